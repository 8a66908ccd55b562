import { crc32 } from 'node:zlib';
import { assert } from '@aep/kernel';
import type { Link } from '@aep/net';
import { FRAME_HEADER_BYTES, FrameType, MESSAGES_HEAD_BYTES, writeU32, writeU53 } from './protocol.js';

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

/**
 * Writes frames into chunks and hands them to the link: messages of one turn share frames, frames share chunks, and
 * each chunk is one write.
 */
export class FrameWriter {
  private chunk: Uint8Array | undefined;
  private at = 0;
  /** Where the frame of messages that is still open begins; -1 when none is. */
  private openFrameAt = -1;
  /** Frames written, for the one who watches for silence. */
  frameCount = 0;

  constructor(
    private readonly link: Link,
    private readonly chunks: ChunkPool,
  ) {}

  /** Bytes written here or in the link that have not left. */
  get bufferedBytes(): number {
    return this.at + this.link.bufferedBytes;
  }

  /** Writes a whole frame. */
  frame(type: number, payload: Uint8Array): void {
    this.closeFrame();
    const length = 1 + payload.length;
    const chunk = this.reserve(FRAME_HEADER_BYTES + length);
    const start = this.at;
    chunk[start + FRAME_HEADER_BYTES] = type;
    chunk.set(payload, start + FRAME_HEADER_BYTES + 1);
    this.at += FRAME_HEADER_BYTES + length;
    this.finish(chunk, start, this.at);
  }

  /**
   * Room for one message in the open frame of messages, which is begun if need be. Write at `position` of the buffer
   * returned, then call `advance`.
   *
   * @param number number of this message on the connection
   */
  record(bytes: number, number: number): Uint8Array {
    const head = FRAME_HEADER_BYTES + 1 + MESSAGES_HEAD_BYTES;
    if (this.openFrameAt >= 0 && this.chunk!.length - this.at >= bytes) return this.chunk!;
    this.closeFrame();
    const chunk = this.reserve(head + bytes);
    this.openFrameAt = this.at;
    chunk[this.at + FRAME_HEADER_BYTES] = FrameType.messages;
    writeU53(chunk, this.at + FRAME_HEADER_BYTES + 1, number);
    this.at += head;
    return chunk;
  }

  get position(): number {
    return this.at;
  }

  advance(end: number): void {
    this.at = end;
  }

  /** Hands everything to the link. */
  flush(): void {
    this.closeFrame();
    const { chunk } = this;
    if (chunk === undefined || this.at === 0) return;
    this.chunk = undefined;
    this.link.write(chunk.subarray(0, this.at));
    this.at = 0;
  }

  private reserve(bytes: number): Uint8Array {
    if (this.chunk !== undefined && this.chunk.length - this.at >= bytes) return this.chunk;
    this.flush();
    this.chunk ??= this.chunks.take(bytes);
    // An empty chunk of the usual size may be left from before; a large message needs one of its own.
    if (this.chunk.length < bytes) this.chunk = this.chunks.take(bytes);
    return this.chunk;
  }

  private closeFrame(): void {
    if (this.openFrameAt < 0) return;
    const start = this.openFrameAt;
    this.openFrameAt = -1;
    this.finish(this.chunk!, start, this.at);
  }

  private finish(chunk: Uint8Array, start: number, end: number): void {
    const body = start + FRAME_HEADER_BYTES;
    assert(end > body && end <= chunk.length, 'a frame lies inside its chunk');
    writeU32(chunk, start, end - body);
    writeU32(chunk, start + 4, crc32(chunk.subarray(body, end)));
    this.frameCount++;
  }
}
