import { AepError } from '@aep/kernel';
import { bytesOf } from './bytes-of.js';

/*
 * Reading protobuf. The pass over the tags (`$open`) checks that every field ends inside its message, so the functions that
 * decode a value at an offset need not look for the end. Positions behind the end stand for "malformed": a function that finds a
 * fault leaves the reason in `fault` and answers Infinity; the one check `at <= end` in the pass reports it.
 */

const words = new Int32Array(2);
const bigInt = new BigInt64Array(words.buffer);
const bigUint = new BigUint64Array(words.buffer);
const float64 = new Float64Array(words.buffer);
const float32 = new Float32Array(words.buffer);
bigInt[0] = 1n;
const lowWord = words[0] === 1 ? 0 : 1;
const highWord = 1 - lowWord;
const varintBytesMax = 10;
const two32 = 0x1_0000_0000;

/** Second results of the functions here, which return the first one as a plain number. */
export const wire = { at: 0, fault: '' };

function fail(reason: string): number {
  wire.fault = reason;
  wire.at = Infinity;
  return Infinity;
}

/** End of the varint at `at`. */
export function afterVarint(bytes: Uint8Array, at: number, end: number): number {
  const limit = at + varintBytesMax;
  while (at < end) {
    if (bytes[at++]! < 0x80) return at;
    if (at === limit) return fail('a varint of more than ten bytes');
  }
  return fail('cut off inside a varint');
}

/** End of the length-delimited field whose length is at `at`; its content starts at `wire.at`. */
export function afterBytes(bytes: Uint8Array, at: number, end: number): number {
  const contentAt = afterVarint(bytes, at, end);
  if (contentAt > end) return contentAt;
  const length = readUint32(bytes, at);
  wire.at = contentAt;
  // A length over 32 bits is cut down by readUint32; five bytes hold every length that can be right.
  if (contentAt - at > 5 || length > end - contentAt)
    return fail(`a length of ${length} bytes, ${end - contentAt} are left`);
  return contentAt + length;
}

/** A tag of more than one byte; its end is in `wire.at`. Field number 0 and numbers over 2^29 - 1 are faults. */
export function readLongTag(bytes: Uint8Array, at: number, end: number): number {
  const next = afterVarint(bytes, at, end);
  if (next > end) return 0;
  if (next - at > 5 || (next - at === 5 && bytes[next - 1]! > 0x0f)) {
    fail('a tag of more than 32 bits');
    return 0;
  }
  wire.at = next;
  return readUint32(bytes, at);
}

/** End of an unknown field, whose tag was read already. Groups are skipped as a whole. */
export function afterUnknown(bytes: Uint8Array, at: number, end: number, tag: number): number {
  if (at > end) return at;
  if (tag >>> 3 === 0) return fail('field number 0');
  switch (tag & 7) {
    case 0:
      return afterVarint(bytes, at, end);
    case 1:
      return at + 8 > end ? fail('cut off inside a 64-bit value') : at + 8;
    case 2:
      return afterBytes(bytes, at, end);
    case 3:
      return afterGroup(bytes, at, end, tag);
    case 4:
      return fail('the end of a group that was not begun');
    case 5:
      return at + 4 > end ? fail('cut off inside a 32-bit value') : at + 4;
    default:
      return fail(`wire type ${tag & 7}, which does not exist`);
  }
}

/** Groups nest: the open ones are kept on a stack of their own, so hostile depth costs no call stack. */
function afterGroup(bytes: Uint8Array, at: number, end: number, tag: number): number {
  const open = [tag >>> 3];
  while (at < end) {
    const inner = readLongTag(bytes, at, end);
    at = wire.at;
    if (at > end) return at;
    if ((inner & 7) === 3 && inner >>> 3 !== 0) {
      if (open.push(inner >>> 3) > groupDepthMax) return fail(`groups nested deeper than ${groupDepthMax}`);
    } else if ((inner & 7) === 4) {
      if (open.pop() !== inner >>> 3) return fail('the end of another group than the one that is open');
      if (open.length === 0) return at;
    } else {
      at = afterUnknown(bytes, at, end, inner);
      if (at > end) return at;
    }
  }
  return fail('cut off inside a group');
}

const groupDepthMax = 100;

/** The low 32 bits of a varint, signed. */
export function readInt32(bytes: Uint8Array, at: number): number {
  let byte = bytes[at]!;
  if (byte < 0x80) return byte;
  let value = byte & 0x7f;
  for (let shift = 7; shift < 35; shift += 7) {
    byte = bytes[++at]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) >>> 0;
}

export function readSint32(bytes: Uint8Array, at: number): number {
  const value = readInt32(bytes, at);
  return (value >>> 1) ^ -(value & 1);
}

/** Any bit of the 64 counts: protobuf says that a bool is true unless the varint is 0. */
export function readBool(bytes: Uint8Array, at: number): boolean {
  if (bytes[at]! < 0x80) return bytes[at] !== 0;
  readHalves(bytes, at);
  return (words[0]! | words[1]!) !== 0;
}

export function readSfixed32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

export function readFixed32(bytes: Uint8Array, at: number): number {
  return readSfixed32(bytes, at) >>> 0;
}

export function readFloat(bytes: Uint8Array, at: number): number {
  words[0] = readSfixed32(bytes, at);
  return float32[0]!;
}

export function readDouble(bytes: Uint8Array, at: number): number {
  words[lowWord] = readSfixed32(bytes, at);
  words[highWord] = readSfixed32(bytes, at + 4);
  return float64[0]!;
}

export function readInt64(bytes: Uint8Array, at: number): bigint {
  readHalves(bytes, at);
  return bigInt[0]!;
}

export function readUint64(bytes: Uint8Array, at: number): bigint {
  readHalves(bytes, at);
  return bigUint[0]!;
}

export function readSint64(bytes: Uint8Array, at: number): bigint {
  readHalves(bytes, at);
  unzigzag();
  return bigInt[0]!;
}

export function readFixed64(bytes: Uint8Array, at: number): bigint {
  readFixedHalves(bytes, at);
  return bigUint[0]!;
}

export function readSfixed64(bytes: Uint8Array, at: number): bigint {
  readFixedHalves(bytes, at);
  return bigInt[0]!;
}

/** 64-bit values as `number` (`jstype = JS_NUMBER`). @throws AEP_FIELD_VALUE when the value is no safe integer */
export function readInt64Number(bytes: Uint8Array, at: number): number {
  readHalves(bytes, at);
  return signedNumber();
}

export function readUint64Number(bytes: Uint8Array, at: number): number {
  readHalves(bytes, at);
  return unsignedNumber();
}

export function readSint64Number(bytes: Uint8Array, at: number): number {
  readHalves(bytes, at);
  unzigzag();
  return signedNumber();
}

export function readFixed64Number(bytes: Uint8Array, at: number): number {
  readFixedHalves(bytes, at);
  return unsignedNumber();
}

export function readSfixed64Number(bytes: Uint8Array, at: number): number {
  readFixedHalves(bytes, at);
  return signedNumber();
}

/** A copy of bytes with their length in front. */
export function readBytes(bytes: Uint8Array, at: number): Uint8Array {
  const start = afterVarint(bytes, at, bytes.length);
  return bytesOf(bytes, start, start + readUint32(bytes, at));
}

function readHalves(bytes: Uint8Array, at: number): void {
  let byte = bytes[at]!;
  let low = byte & 0x7f;
  let high = 0;
  for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
    byte = bytes[++at]!;
    low |= (byte & 0x7f) << shift;
  }
  if (byte >= 0x80) {
    byte = bytes[++at]!;
    low |= (byte & 0x7f) << 28;
    high = (byte & 0x7f) >>> 4;
    for (let shift = 3; byte >= 0x80 && shift < 35; shift += 7) {
      byte = bytes[++at]!;
      high |= (byte & 0x7f) << shift;
    }
  }
  words[lowWord] = low;
  words[highWord] = high;
}

function readFixedHalves(bytes: Uint8Array, at: number): void {
  words[lowWord] = readSfixed32(bytes, at);
  words[highWord] = readSfixed32(bytes, at + 4);
}

function unzigzag(): void {
  const low = words[lowWord]!;
  const high = words[highWord]!;
  const sign = -(low & 1);
  words[lowWord] = ((low >>> 1) | (high << 31)) ^ sign;
  words[highWord] = (high >>> 1) ^ sign;
}

function signedNumber(): number {
  const value = words[highWord]! * two32 + (words[lowWord]! >>> 0);
  return Number.isSafeInteger(value) ? value : refuseUnsafe(bigInt[0]!);
}

function unsignedNumber(): number {
  const value = (words[highWord]! >>> 0) * two32 + (words[lowWord]! >>> 0);
  return Number.isSafeInteger(value) ? value : refuseUnsafe(bigUint[0]!);
}

function refuseUnsafe(value: bigint): never {
  throw new AepError(
    'AEP_FIELD_VALUE',
    'reject',
    `a 64-bit field with jstype = JS_NUMBER holds ${value}, which a number cannot hold exactly; remove jstype to read it as bigint`,
    { value },
  );
}
