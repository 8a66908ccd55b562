/** Integers as they stand in frames: little-endian. */

export function writeU16(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
}

export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}

/** Safe integers in eight bytes. */
export function writeU53(target: Uint8Array, at: number, value: number): void {
  writeU32(target, at, value % TWO_32);
  writeU32(target, at + 4, Math.floor(value / TWO_32));
}

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

export function readU53(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 4) * TWO_32 + readU32(bytes, at);
}

const TWO_32 = 4_294_967_296;
