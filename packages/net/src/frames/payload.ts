import type { FrameFaults } from './frame-reader.js';
import { readU16, readU32, readU53, writeU16, writeU32, writeU53 } from './little-endian.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const TEXT_BYTES_MAX = 1024;
/** Acknowledgements and heartbeats, which go out all the time, fit; arrays up to here are cheap to make. */
const BYTES_AT_FIRST = 64;

/** Builds the payload of a small frame. */
export class PayloadWriter {
  private bytes = new Uint8Array(BYTES_AT_FIRST);
  private at = 0;

  u8(value: number): this {
    const at = this.claim(1);
    this.bytes[at] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.claim(4);
    writeU32(this.bytes, at, value);
    return this;
  }

  u53(value: number): this {
    const at = this.claim(8);
    writeU53(this.bytes, at, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.claim(bytes.length);
    this.bytes.set(bytes, at);
    return this;
  }

  /** Length and UTF-8; cut to what a receiver takes. */
  text(text: string): this {
    const encoded = encoder.encode(text).subarray(0, TEXT_BYTES_MAX);
    const at = this.claim(2);
    writeU16(this.bytes, at, encoded.length);
    return this.raw(encoded);
  }

  done(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  /** Makes room for that many bytes more, and answers where they go. */
  private claim(count: number): number {
    const { at } = this;
    this.at += count;
    if (this.at > this.bytes.length) {
      const larger = new Uint8Array(2 * this.at);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    return at;
  }
}

/** Reads the payload of a small frame; a payload that is too short or too long breaks the protocol. */
export class PayloadReader {
  // oxlint-disable-next-line max-params -- a range of bytes, what it is called, and how to say that it is wrong
  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly end: number,
    private readonly frame: string,
    /** Makes the error for a payload that breaks the protocol; for what is read on top of this reader. */
    readonly malformed: FrameFaults['malformed'],
  ) {}

  /** Bytes that have not been read. */
  get left(): number {
    return this.end - this.at;
  }

  u8(): number {
    return this.bytes[this.take(1)]!;
  }

  u32(): number {
    return readU32(this.bytes, this.take(4));
  }

  u53(): number {
    const value = readU53(this.bytes, this.take(8));
    if (!Number.isSafeInteger(value)) throw this.malformed(`a number over 2^53 in a ${this.frame} frame`);
    return value;
  }

  raw(count: number): Uint8Array {
    const start = this.take(count);
    return this.bytes.slice(start, start + count);
  }

  text(): string {
    const length = readU16(this.bytes, this.take(2));
    if (length > TEXT_BYTES_MAX) throw this.malformed(`a text of ${length} bytes in a ${this.frame} frame`);
    const start = this.take(length);
    try {
      return decoder.decode(this.bytes.subarray(start, start + length));
    } catch {
      throw this.malformed(`a text that is not UTF-8 in a ${this.frame} frame`);
    }
  }

  done(): void {
    if (this.at !== this.end) throw this.malformed(`${this.left} bytes left over in a ${this.frame} frame`);
  }

  /** Passes over that many bytes and answers where they begin. */
  take(count: number): number {
    const start = this.at;
    if (this.end - start < count) throw this.malformed(`a ${this.frame} frame is too short`);
    this.at += count;
    return start;
  }
}
