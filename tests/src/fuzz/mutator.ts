import type { SeededRandom } from '@aep/kernel';

/** Mutated inputs are cut here: the limits on length have tests of their own, and long inputs make slow runs. */
const INPUT_BYTES_MAX = 65_536;
const CHANGES_MAX = 6;
const PIECE_BYTES_MAX = 64;

/** Values at the edges of integers, which lengths and counts are compared with. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

/** Makes inputs from valid ones by small changes; what it makes depends on the generator alone. */
export class Mutator {
  constructor(
    private readonly seeds: readonly Uint8Array[],
    private readonly tokens: readonly Uint8Array[],
  ) {}

  make(random: SeededRandom): Uint8Array {
    let bytes: Uint8Array = this.pick(this.seeds, random).slice();
    for (let changes = fewUpTo(CHANGES_MAX, random); changes > 0; changes--) bytes = this.change(bytes, random);
    return bytes.length > INPUT_BYTES_MAX ? bytes.slice(0, INPUT_BYTES_MAX) : bytes;
  }

  private change(bytes: Uint8Array, random: SeededRandom): Uint8Array {
    const start = random.below(bytes.length + 1);
    const end = Math.min(bytes.length, start + fewUpTo(PIECE_BYTES_MAX, random));
    switch (random.below(10)) {
      case 0:
        return withByte(bytes, start, (byte) => byte ^ (1 << random.below(8)));
      case 1:
        return withByte(bytes, start, () => random.below(256));
      case 2:
        return replaced(bytes, start, end, NONE);
      case 3:
        return replaced(bytes, start, start, randomBytes(1 + random.below(8), random));
      case 4:
        return repeated(bytes, start, end, random);
      case 5:
        return this.splice(bytes, start, random);
      case 6:
        return withEdge(bytes, start, random);
      case 7:
        return moved(bytes, start, end, random);
      case 8:
        return replaced(bytes, start, random.below(2) === 0 ? start : end, this.token(random));
      default:
        return replaced(bytes, start, start, this.token(random));
    }
  }

  /** The front of this input and the back of another one. */
  private splice(bytes: Uint8Array, at: number, random: SeededRandom): Uint8Array {
    const other = this.pick(this.seeds, random);
    return replaced(bytes, at, bytes.length, other.subarray(random.below(other.length + 1)));
  }

  private token(random: SeededRandom): Uint8Array {
    return this.tokens.length === 0 ? randomBytes(2, random) : this.pick(this.tokens, random);
  }

  private pick(from: readonly Uint8Array[], random: SeededRandom): Uint8Array {
    return from[random.below(from.length)]!;
  }
}

/** From 1 up, small numbers more often: an input that is hardly changed gets further. */
function fewUpTo(max: number, random: SeededRandom): number {
  return 1 + random.below(1 + random.below(max));
}

const NONE = new Uint8Array(0);

function replaced(bytes: Uint8Array, start: number, end: number, by: Uint8Array): Uint8Array {
  const made = new Uint8Array(bytes.length - (end - start) + by.length);
  made.set(bytes.subarray(0, start), 0);
  made.set(by, start);
  made.set(bytes.subarray(end), start + by.length);
  return made;
}

function withByte(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  if (at < bytes.length) bytes[at] = change(bytes[at]!);
  return bytes;
}

/** A number of one, two or four bytes at an edge, in either order of bytes. */
function withEdge(bytes: Uint8Array, at: number, random: SeededRandom): Uint8Array {
  const value = EDGES[random.below(EDGES.length)]!;
  const width = [1, 2, 4][random.below(3)]!;
  const isLittle = random.below(2) === 0;
  for (let index = 0; index < width && at + index < bytes.length; index++) {
    bytes[at + index] = value >>> (8 * (isLittle ? index : width - 1 - index));
  }
  return bytes;
}

/** Mostly twice; sometimes many times, which is what nesting and long lists are made of. */
function repeated(bytes: Uint8Array, start: number, end: number, random: SeededRandom): Uint8Array {
  const piece = bytes.subarray(start, end);
  const times = random.below(8) === 0 ? 1 + random.below(300) : 1;
  const copies = new Uint8Array(piece.length * times);
  for (let index = 0; index < times; index++) copies.set(piece, index * piece.length);
  return replaced(bytes, end, end, copies);
}

function moved(bytes: Uint8Array, start: number, end: number, random: SeededRandom): Uint8Array {
  const piece = bytes.slice(start, end);
  const without = replaced(bytes, start, end, NONE);
  const at = random.below(without.length + 1);
  return replaced(without, at, at, piece);
}

function randomBytes(count: number, random: SeededRandom): Uint8Array {
  return Uint8Array.from({ length: count }, () => random.below(256));
}
