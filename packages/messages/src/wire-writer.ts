import { encodeUtf8, shortWriteMax, utf8Length } from './utf8.js';

/*
 * Writing protobuf straight into the target, without a writer object: each function takes the offset and returns the end. Lengths of
 * embedded messages are patched in afterwards: one byte is kept free and the content is moved when it turns out longer than 127.
 * Writes behind the target's end are ignored by the typed array; the message checks its end once.
 */

const words = new Int32Array(2);
const bigWord = new BigInt64Array(words.buffer);
const float64 = new Float64Array(words.buffer);
const float32 = new Float32Array(words.buffer);
// The order of the halves in memory; every machine that Node supports in practice is little-endian, s390x is not.
bigWord[0] = 1n;
const lowWord = words[0] === 1 ? 0 : 1;
const highWord = 1 - lowWord;

/** Unsigned 32-bit varint; also tags. */
export function writeUint32(target: Uint8Array, at: number, value: number): number {
  while (value > 0x7f) {
    target[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  target[at++] = value;
  return at;
}

/** Signed 32-bit varint: a negative value takes ten bytes, as protobuf wants it. */
export function writeInt32(target: Uint8Array, at: number, value: number): number {
  return value >= 0 ? writeUint32(target, at, value) : writeHalves(target, at, value, -1);
}

export function writeSint32(target: Uint8Array, at: number, value: number): number {
  return writeUint32(target, at, ((value << 1) ^ (value >> 31)) >>> 0);
}

export function writeBool(target: Uint8Array, at: number, value: boolean): number {
  target[at] = value ? 1 : 0;
  return at + 1;
}

export function writeFixed32(target: Uint8Array, at: number, value: number): number {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
  return at + 4;
}

export function writeFloat(target: Uint8Array, at: number, value: number): number {
  float32[0] = value;
  return writeFixed32(target, at, words[0]!);
}

export function writeDouble(target: Uint8Array, at: number, value: number): number {
  float64[0] = value;
  writeFixed32(target, at, words[lowWord]!);
  return writeFixed32(target, at + 4, words[highWord]!);
}

/** int64 and uint64: the two's complement of both is the same 64 bits. */
export function writeInt64(target: Uint8Array, at: number, value: bigint): number {
  bigWord[0] = value;
  return writeHalves(target, at, words[lowWord]!, words[highWord]!);
}

export function writeSint64(target: Uint8Array, at: number, value: bigint): number {
  bigWord[0] = (value << 1n) ^ (value >> 63n);
  return writeHalves(target, at, words[lowWord]!, words[highWord]!);
}

export function writeFixed64(target: Uint8Array, at: number, value: bigint): number {
  bigWord[0] = value;
  writeFixed32(target, at, words[lowWord]!);
  return writeFixed32(target, at + 4, words[highWord]!);
}

/** int64 and uint64 held as safe integers. */
export function writeInt64Number(target: Uint8Array, at: number, value: number): number {
  if (value >= 0 && value < 0x8000_0000) return writeUint32(target, at, value);
  return writeHalves(target, at, lowHalf(value), Math.floor(value / 0x1_0000_0000) | 0);
}

export function writeSint64Number(target: Uint8Array, at: number, value: number): number {
  const low = lowHalf(value);
  const high = Math.floor(value / 0x1_0000_0000) | 0;
  const sign = high >> 31;
  return writeHalves(target, at, (low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
}

export function writeFixed64Number(target: Uint8Array, at: number, value: number): number {
  writeFixed32(target, at, lowHalf(value));
  return writeFixed32(target, at + 4, Math.floor(value / 0x1_0000_0000) | 0);
}

/** Length and UTF-8 of a string. */
export function writeString(target: Uint8Array, at: number, text: string): number {
  const length = text.length;
  // Short and ASCII is the common case: its length in bytes is known before it is written, and a loop beats the native encoder.
  if (length <= shortWriteMax) {
    const start = at + 1;
    let bits = 0;
    let index = 0;
    // Four a round: looking at the kind of string that V8 has made of it, once per unit, is most of what a unit costs.
    for (; index + 3 < length; index += 4) {
      const a = text.charCodeAt(index);
      const b = text.charCodeAt(index + 1);
      const c = text.charCodeAt(index + 2);
      const d = text.charCodeAt(index + 3);
      bits |= a | b | c | d;
      target[start + index] = a;
      target[start + index + 1] = b;
      target[start + index + 2] = c;
      target[start + index + 3] = d;
    }
    // Steps instead of a loop over what is left: its length is as good as random, and each wrong guess of its end costs ten characters.
    if ((length & 2) !== 0) {
      const a = text.charCodeAt(index);
      const b = text.charCodeAt(index + 1);
      bits |= a | b;
      target[start + index] = a;
      target[start + index + 1] = b;
      index += 2;
    }
    if ((length & 1) !== 0) {
      const a = text.charCodeAt(index);
      bits |= a;
      target[start + index] = a;
    }
    if (bits < 0x80) {
      target[at] = length;
      return at + 1 + length;
    }
  }
  // A length of one byte is likely up to 127 UTF-16 units: written behind it, and again when that was wrong.
  if (length < 0x80) {
    const end = encodeUtf8(target, at + 1, text);
    if (end - at <= 0x80) {
      target[at] = end - at - 1;
      return end;
    }
  }
  const start = writeUint32(target, at, utf8Length(text));
  return encodeUtf8(target, start, text);
}

/** Length and bytes. */
export function writeBytes(target: Uint8Array, at: number, value: Uint8Array): number {
  return copyBytes(value, 0, value.length, target, writeUint32(target, at, value.length));
}

/** Copies `source[start, end)` to `offset`; returns the end offset, beyond the target's end when there is no room. */
// oxlint-disable-next-line max-params -- two ranges; an object for them would be an allocation per field
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): number {
  const length = end - start;
  // A typed array's set() allocates a subarray and costs about 60 ns; a loop is faster for small messages.
  if (length <= 48) for (let index = 0; index < length; index++) target[offset + index] = source[start + index]!;
  else if (offset + length <= target.length)
    target.set(length === source.length ? source : source.subarray(start, end), offset);
  return offset + length;
}

/** Copies the ranges (pairs of start and end) one behind the other. */
export function copyRanges(source: Uint8Array, ranges: readonly number[], target: Uint8Array, offset: number): number {
  let at = offset;
  for (let index = 0; index < ranges.length; index += 2) {
    at = copyBytes(source, ranges[index]!, ranges[index + 1]!, target, at);
  }
  return at;
}

/** Both in an array of their own. */
export function appendBytes(first: Uint8Array | undefined, second: Uint8Array): Uint8Array {
  if (first === undefined) return second.slice();
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

/**
 * Writes the length of the content that was written from `lengthAt + 1` to `end`, moving it when the length takes more than
 * the one byte that was kept free. Returns the end of the content.
 */
export function closeLength(target: Uint8Array, lengthAt: number, end: number): number {
  const length = end - lengthAt - 1;
  if (length < 0x80) {
    target[lengthAt] = length;
    return end;
  }
  const shift = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4;
  // Not when it does not fit: the message's own check reports it.
  if (end + shift <= target.length) target.copyWithin(lengthAt + 1 + shift, lengthAt + 1, end);
  writeUint32(target, lengthAt, length);
  return end + shift;
}

function lowHalf(value: number): number {
  // ToInt32 is exact modulo 2^32 for every safe integer, negative ones included.
  return value | 0;
}

function writeHalves(target: Uint8Array, at: number, low: number, high: number): number {
  while (high !== 0) {
    target[at++] = (low & 0x7f) | 0x80;
    low = (low >>> 7) | (high << 25);
    high >>>= 7;
  }
  return writeUint32(target, at, low >>> 0);
}

export interface Encodable {
  $encodedSizeMax(): number;
  $encodeTo(target: Uint8Array, offset: number): number;
}

const scratch = { bytes: new Uint8Array(16_384), end: 0 };
/** A larger scratch than this is dropped after use instead of being kept for ever. */
const scratchKeptMax = 1 << 20;

/** Encodes into a buffer that the next call overwrites. */
export function encodeToScratch(message: Encodable): { readonly bytes: Uint8Array; readonly end: number } {
  const room = message.$encodedSizeMax();
  if (room > scratchKeptMax) {
    const bytes = new Uint8Array(room);
    return { bytes, end: message.$encodeTo(bytes, 0) };
  }
  if (room > scratch.bytes.length) scratch.bytes = new Uint8Array(Math.max(room, scratch.bytes.length * 2));
  scratch.end = message.$encodeTo(scratch.bytes, 0);
  return scratch;
}
