import { crc32 } from 'node:zlib';
import { assert } from '@aep/kernel';
import type { Link } from '../network.js';
import { FRAME_HEADER_BYTES } from './frame-reader.js';
import { writeU32 } from './little-endian.js';

const CHUNK_BYTES = 65_536;
const IDLE_CHUNKS_MAX = 64;

/** Buffers that frames are written into; they come back when the network has sent them. */
export class ChunkPool {
  private readonly idle: Uint8Array[] = [];

  take(bytesMin: number): Uint8Array {
    if (bytesMin > CHUNK_BYTES) return new Uint8Array(bytesMin);
    return this.idle.pop() ?? new Uint8Array(CHUNK_BYTES);
  }

  /** Takes a chunk or a part from the front of it; larger ones are left to the garbage collector. */
  give(chunk: Uint8Array): void {
    if (chunk.buffer.byteLength !== CHUNK_BYTES || this.idle.length >= IDLE_CHUNKS_MAX) return;
    this.idle.push(new Uint8Array(chunk.buffer));
  }
}

/** Writes frames into chunks and hands them to the link: frames of one turn share chunks, and each chunk is one write. */
export class FrameWriter {
  protected chunk: Uint8Array | undefined;
  protected at = 0;

  constructor(
    private readonly link: Link,
    private readonly chunks: ChunkPool,
  ) {}

  /** Bytes written here or in the link that have not left. */
  get bufferedBytes(): number {
    return this.at + this.link.bufferedBytes;
  }

  /** Writes a whole frame; `tail` is the end of its payload, for callers that have it in two pieces. */
  frame(type: number, payload: Uint8Array, tail: Uint8Array = NO_BYTES): void {
    const length = 1 + payload.length + tail.length;
    const chunk = this.reserve(FRAME_HEADER_BYTES + length);
    const start = this.at;
    const body = start + FRAME_HEADER_BYTES;
    chunk[body] = type;
    chunk.set(payload, body + 1);
    chunk.set(tail, body + 1 + payload.length);
    this.at += FRAME_HEADER_BYTES + length;
    this.finish(chunk, start, this.at);
  }

  /** Hands everything to the link. */
  flush(): void {
    const { chunk } = this;
    if (chunk === undefined || this.at === 0) return;
    this.chunk = undefined;
    this.link.write(chunk.subarray(0, this.at));
    this.at = 0;
  }

  /** A chunk with room for that many bytes from `at` on. */
  protected reserve(bytes: number): Uint8Array {
    if (this.chunk !== undefined && this.chunk.length - this.at >= bytes) return this.chunk;
    this.flush();
    this.chunk ??= this.chunks.take(bytes);
    // An empty chunk of the usual size may be left from before; a large frame needs one of its own.
    if (this.chunk.length < bytes) this.chunk = this.chunks.take(bytes);
    return this.chunk;
  }

  /** Writes length and checksum in front of what stands in `chunk[start, end)`. */
  protected finish(chunk: Uint8Array, start: number, end: number): void {
    const body = start + FRAME_HEADER_BYTES;
    assert(end > body && end <= chunk.length, 'a frame lies inside its chunk');
    writeU32(chunk, start, end - body);
    writeU32(chunk, start + 4, crc32(chunk.subarray(body, end)));
  }
}

const NO_BYTES = new Uint8Array(0);
