import type { Link } from '@aep/net';
import { encodeHead } from './header-text.js';
import { NO_BYTES } from './stomp-frame.js';

const CHUNK_BYTES = 65_536;
const NUL_BYTES = 1;
/** The most bytes of UTF-8 that one UTF-16 unit takes. */
const UNIT_BYTES_MAX = 3;
const encoder = new TextEncoder();

/**
 * Writes frames into chunks and hands them to a link: what is flushed is one write, and the rest of a chunk is for what comes next, because a
 * chunk of its own for each acknowledgement would cost more than writing it.
 */
export class StompFrameWriter {
  /** Frames and heartbeats written, for the one who watches for silence. */
  count = 0;
  private chunk: Uint8Array = NO_BYTES;
  /** What is before it was handed to the link and is not ours any more. */
  private start = 0;
  private at = 0;

  constructor(private readonly link: Link) {}

  /** Bytes written here or in the link that have not left. */
  get bufferedBytes(): number {
    return this.at - this.start + this.link.bufferedBytes;
  }

  frame(command: string, headers: Readonly<Record<string, string>>): void {
    this.raw(encodeHead(command, headers), NO_BYTES, 0, 0);
  }

  /** A frame whose head is encoded already, with the bytes of its body. */
  // oxlint-disable-next-line max-params -- a range of bytes is three of them, and an object for it would be made per message
  raw(head: string, bytes: Uint8Array, start: number, end: number): void {
    const chunk = this.reserve(head.length * UNIT_BYTES_MAX + (end - start) + NUL_BYTES);
    this.at += encoder.encodeInto(head, this.at === 0 ? chunk : chunk.subarray(this.at)).written;
    if (end > start) {
      chunk.set(bytes.subarray(start, end), this.at);
      this.at += end - start;
    }
    chunk[this.at++] = 0;
    this.count++;
  }

  heartbeat(): void {
    this.reserve(1)[this.at++] = 10;
    this.count++;
  }

  /** Hands everything to the link. */
  flush(): void {
    if (this.at === this.start) return;
    this.link.write(this.chunk.subarray(this.start, this.at));
    this.start = this.at;
  }

  private reserve(bytes: number): Uint8Array {
    if (this.chunk.length - this.at >= bytes) return this.chunk;
    this.flush();
    this.chunk = new Uint8Array(Math.max(CHUNK_BYTES, bytes));
    this.start = this.at = 0;
    return this.chunk;
  }
}
