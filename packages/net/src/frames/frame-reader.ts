import { crc32 } from 'node:zlib';
import type { AepError } from '@aep/kernel';
import { readU32 } from './little-endian.js';

/** Length and checksum in front of each frame. */
export const FRAME_HEADER_BYTES = 8;

export interface FrameSink {
  /** One frame whose checksum is right; its payload is `bytes[start, end)`, which is never written again. */
  onFrame(type: number, bytes: Uint8Array, start: number, end: number): void;
}

/** The errors of a protocol on frames. */
export interface FrameFaults {
  /** The peer announces a frame of `length` bytes where at most `max` are allowed. */
  readonly tooLarge: (length: number, max: number) => AepError;
  readonly badChecksum: (length: number) => AepError;
  readonly malformed: (why: string) => AepError;
}

/**
 * Cuts a byte stream into frames, `length u32 | crc32 u32 | type u8 | payload`, little-endian; length and CRC-32 cover type
 * and payload. A frame that lies in one place is read there, also when it came in several pieces that lie one behind the other;
 * one that is spread over several places is put together in a buffer of its own, allocated only after its length was found to
 * be allowed.
 */
export class FrameReader {
  /** The beginning of a frame at the end of the last piece: where it goes on shows whether it must be copied. */
  private rest: Uint8Array | undefined;
  private readonly header = new Uint8Array(FRAME_HEADER_BYTES);
  /** Of the frame that is being put together; 0 when there is none. */
  private headerCount = 0;
  private body: Uint8Array | undefined;
  private bodyCount = 0;
  private isStopped = false;

  constructor(
    private readonly sink: FrameSink,
    /** Longest frame that is allowed now, type included. Grows when the peer has proved who it is. */
    public frameBytesMax: number,
    private readonly faults: FrameFaults,
  ) {}

  /** Nothing that is in the stream matters any more. */
  stop(): void {
    this.isStopped = true;
  }

  /** Throws what the faults make, and what the sink throws. */
  push(bytes: Uint8Array): void {
    const { rest } = this;
    this.rest = undefined;
    let piece = bytes;
    if (rest !== undefined) {
      if (rest.buffer === bytes.buffer && rest.byteOffset + rest.length === bytes.byteOffset)
        piece = new Uint8Array(rest.buffer, rest.byteOffset, rest.length + bytes.length);
      else this.copy(rest, 0);
    }
    let at = 0;
    while (at < piece.length && !this.isStopped) {
      at = this.headerCount > 0 ? this.copy(piece, at) : this.inPlace(piece, at);
    }
  }

  private inPlace(bytes: Uint8Array, start: number): number {
    const body = start + FRAME_HEADER_BYTES;
    // Looked at before anything is waited for: a length that is not allowed is refused at once.
    const end = body <= bytes.length ? body + this.lengthIn(bytes, start) : Infinity;
    if (end <= bytes.length) {
      this.deliver(bytes, body, end, readU32(bytes, start + 4));
      return end;
    }
    this.rest = bytes.subarray(start);
    return bytes.length;
  }

  private copy(bytes: Uint8Array, start: number): number {
    let at = start;
    if (this.body === undefined) {
      while (this.headerCount < FRAME_HEADER_BYTES && at < bytes.length) this.header[this.headerCount++] = bytes[at++]!;
      if (this.headerCount < FRAME_HEADER_BYTES) return at;
      this.body = new Uint8Array(this.lengthIn(this.header, 0));
      this.bodyCount = 0;
    }
    const { body } = this;
    const count = Math.min(bytes.length - at, body.length - this.bodyCount);
    body.set(bytes.subarray(at, at + count), this.bodyCount);
    this.bodyCount += count;
    if (this.bodyCount === body.length) {
      this.body = undefined;
      this.headerCount = 0;
      this.deliver(body, 0, body.length, readU32(this.header, 4));
    }
    return at + count;
  }

  private lengthIn(bytes: Uint8Array, start: number): number {
    const length = readU32(bytes, start);
    if (length === 0) throw this.faults.malformed('a frame without a type');
    if (length > this.frameBytesMax) throw this.faults.tooLarge(length, this.frameBytesMax);
    return length;
  }

  private deliver(bytes: Uint8Array, start: number, end: number, checksum: number): void {
    if (crc32(bytes.subarray(start, end)) !== checksum) throw this.faults.badChecksum(end - start);
    this.sink.onFrame(bytes[start]!, bytes, start + 1, end);
  }
}
