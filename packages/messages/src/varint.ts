/*
 * Varints of up to 53 bits for headers. Generated code has its own fast paths for one byte; messages' 64-bit fields are in wire-reader.ts.
 */

const two28 = 0x1000_0000;

/** Bytes of the varint of a safe, non-negative integer. */
export function varintSize(value: number): number {
  let size = 1;
  while (value >= 0x80) {
    value = Math.floor(value / 0x80);
    size++;
  }
  return size;
}

/** Writes a safe, non-negative integer; returns the end offset. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  // Beyond 32 bits the shifts of JavaScript cut the value off, so the upper part is divided down first.
  while (value >= two28) {
    target[offset++] = (value & 0x7f) | 0x80;
    value = Math.floor(value / 0x80);
  }
  while (value >= 0x80) {
    target[offset++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  target[offset++] = value;
  return offset;
}

/** The varint at `offset` and, through `varintEnd`, where it ends. NaN when it is cut off or beyond 2^53 - 1. */
export function readVarint(bytes: Uint8Array, offset: number, end: number): number {
  let value = 0;
  let scale = 1;
  for (let at = offset; at < end && at < offset + 8; at++) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      lastEnd = at + 1;
      return value <= Number.MAX_SAFE_INTEGER ? value : NaN;
    }
    scale *= 0x80;
  }
  return NaN;
}

let lastEnd = 0;

/** End offset of the varint that `readVarint` read last. */
export function varintEnd(): number {
  return lastEnd;
}
