import { type Encodable, encodeToScratch } from './wire-writer.js';

const slabBytes = 16_384;
/** Larger copies get memory of their own: a slab lives as long as any copy in it. */
const slabCopyMax = 1024;
let slab = new Uint8Array(slabBytes);
let slabUsed = 0;

/**
 * A copy of `bytes[start, end)`. Not `bytes.slice`: that is no copy when the bytes are a Buffer, and a new ArrayBuffer for each small
 * copy costs ten times as much as a piece of a shared one.
 */
export function bytesOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start;
  const copy = allocate(length);
  if (length <= 64) for (let index = 0; index < length; index++) copy[index] = bytes[start + index]!;
  else copy.set(bytes.subarray(start, end));
  return copy;
}

function allocate(length: number): Uint8Array {
  if (length > slabCopyMax) return new Uint8Array(length);
  reserve(length);
  return takePiece(length);
}

function reserve(length: number): void {
  if (slabUsed + length <= slabBytes) return;
  slab = new Uint8Array(slabBytes);
  slabUsed = 0;
}

function takePiece(length: number): Uint8Array {
  const piece = new Uint8Array(slab.buffer, slabUsed, length);
  // Eight-byte steps keep pieces aligned, which copying likes.
  slabUsed += (length + 7) & ~7;
  return piece;
}

/** The encoded message in bytes of its own. Small ones are encoded where they stay. */
export function encodedBytes(message: Encodable): Uint8Array {
  const room = message.$encodedSizeMax();
  if (room > slabCopyMax) {
    const scratch = encodeToScratch(message);
    return bytesOf(scratch.bytes, 0, scratch.end);
  }
  reserve(room);
  return takePiece(message.$encodeTo(slab, slabUsed) - slabUsed);
}
