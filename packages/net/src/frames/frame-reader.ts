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
 * and payload. A frame that lies in one piece of the stream is read in place; one that is spread over pieces is put together
 * in a buffer of its own, allocated only after its length was found to be allowed.
 */
export class FrameReader {
  private readonly header = new Uint8Array(FRAME_HEADER_BYTES);
  private headerCount = 0;
  /** The frame being put together; undefined between frames. */
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
    let at = 0;
    while (at < bytes.length && !this.isStopped) {
      at = this.body !== undefined ? this.fillBody(bytes, at) : this.startFrame(bytes, at);
    }
  }

  private startFrame(bytes: Uint8Array, start: number): number {
    let header = bytes;
    let at = start;
    let headerAt = start;
    if (this.headerCount > 0 || bytes.length - start < FRAME_HEADER_BYTES) {
      while (this.headerCount < FRAME_HEADER_BYTES && at < bytes.length) this.header[this.headerCount++] = bytes[at++]!;
      if (this.headerCount < FRAME_HEADER_BYTES) return at;
      this.headerCount = 0;
      header = this.header;
      headerAt = 0;
    } else {
      at += FRAME_HEADER_BYTES;
    }
    const length = readU32(header, headerAt);
    if (length === 0) throw this.faults.malformed('a frame without a type');
    if (length > this.frameBytesMax) throw this.faults.tooLarge(length, this.frameBytesMax);
    const checksum = readU32(header, headerAt + 4);
    if (bytes.length - at >= length) {
      this.deliver(bytes, at, at + length, checksum);
      return at + length;
    }
    if (header !== this.header) this.header.set(header.subarray(headerAt, headerAt + FRAME_HEADER_BYTES));
    this.body = new Uint8Array(length);
    this.bodyCount = 0;
    return at;
  }

  private fillBody(bytes: Uint8Array, at: number): number {
    const body = this.body!;
    const count = Math.min(bytes.length - at, body.length - this.bodyCount);
    body.set(bytes.subarray(at, at + count), this.bodyCount);
    this.bodyCount += count;
    if (this.bodyCount === body.length) {
      this.body = undefined;
      this.deliver(body, 0, body.length, readU32(this.header, 4));
    }
    return at + count;
  }

  private deliver(bytes: Uint8Array, start: number, end: number, checksum: number): void {
    if (crc32(bytes.subarray(start, end)) !== checksum) throw this.faults.badChecksum(end - start);
    this.sink.onFrame(bytes[start]!, bytes, start + 1, end);
  }
}
