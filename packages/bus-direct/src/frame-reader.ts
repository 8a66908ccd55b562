import { crc32 } from 'node:zlib';
import { AepError } from '@aep/kernel';
import { FRAME_HEADER_BYTES, protocolError, readU32 } from './protocol.js';

export interface FrameSink {
  /** One frame whose checksum is right; its payload is `bytes[start, end)`, which is never written again. */
  onFrame(type: number, bytes: Uint8Array, start: number, end: number): void;
}

/**
 * Cuts a byte stream into frames. A frame that lies in one piece of the stream is read in place; one that is spread over
 * pieces is put together in a buffer of its own, allocated only after its length was found to be allowed.
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
  ) {}

  /** Nothing that is in the stream matters any more. */
  stop(): void {
    this.isStopped = true;
  }

  /** @throws AEP_DIRECT_FRAME_TOO_LARGE, AEP_DIRECT_CHECKSUM, AEP_DIRECT_PROTOCOL (retry) and what the sink throws */
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
    this.checkLength(length);
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

  private checkLength(length: number): void {
    if (length === 0) throw protocolError('a frame without a type');
    if (length <= this.frameBytesMax) return;
    throw new AepError(
      'AEP_DIRECT_FRAME_TOO_LARGE',
      'retry',
      `the peer announces a frame of ${length} bytes, at most ${this.frameBytesMax} are allowed now; is it an aep engine?`,
      { length, max: this.frameBytesMax },
    );
  }

  private deliver(bytes: Uint8Array, start: number, end: number, checksum: number): void {
    if (crc32(bytes.subarray(start, end)) !== checksum) {
      throw new AepError('AEP_DIRECT_CHECKSUM', 'retry', 'a frame does not have the checksum that it says', {
        length: end - start,
      });
    }
    this.sink.onFrame(bytes[start]!, bytes, start + 1, end);
  }
}
