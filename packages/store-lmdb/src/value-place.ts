import { asBinary } from 'lmdb';

/** A typed array with the two numbers by which lmdb takes a part of it instead of the whole. */
interface Windowed extends Uint8Array {
  /** Offsets in the underlying buffer. */
  start: number;
  end: number;
}

interface Source {
  readonly window: Windowed;
  readonly value: Uint8Array;
}

/**
 * Values that lie in large byte arrays, as lmdb takes them without an object per value: a `subarray` each would cost more
 * than all the rest of a put. lmdb notes address and length during the call; the bytes themselves are read when the
 * transaction is written, so whoever puts keeps them alive and unchanged until then.
 */
export class ValuePlaces {
  private readonly sources = new Map<Uint8Array, Source>();
  private lastBytes: Uint8Array | undefined;
  private last: Source | undefined;

  of(bytes: Uint8Array, start: number, end: number): Uint8Array {
    // lmdb asks for the address of a buffer, which an empty one may not have.
    if (start === end) return NO_BYTES;
    const source = bytes === this.lastBytes ? this.last! : this.sourceOf(bytes);
    source.window.start = bytes.byteOffset + start;
    source.window.end = bytes.byteOffset + end;
    return source.value;
  }

  private sourceOf(bytes: Uint8Array): Source {
    let source = this.sources.get(bytes);
    if (source === undefined) this.sources.set(bytes, (source = makeSource(bytes)));
    this.lastBytes = bytes;
    this.last = source;
    return source;
  }
}

const NO_BYTES = new Uint8Array(0);

function makeSource(bytes: Uint8Array): Source {
  const window = Object.assign(new Uint8Array(bytes.buffer), { start: 0, end: 0 });
  return { window, value: asBinary(window) as unknown as Uint8Array };
}
