/** One line of the input without its line end. */
export interface PhysicalLine {
  /** From 1. */
  readonly number: number;
  /** Undefined when the line is longer than {@link LINE_BYTES_MAX}. */
  readonly text: string | undefined;
}

/** A longer line is no invoice line; it is passed over without being kept in memory. */
export const LINE_BYTES_MAX = 64 * 1024;

/**
 * Cuts a byte stream into lines (LF or CRLF). Each line is read as UTF-8, or as Windows-1252 when it is not valid UTF-8:
 * exports of spreadsheets mix both. A byte order mark is dropped.
 */
export class LineSplitter {
  private tail: Buffer = Buffer.alloc(0);
  private isTooLong = false;
  private lineNumber = 0;

  /** The lines that end in this chunk. */
  push(chunk: Uint8Array): PhysicalLine[] {
    const lines: PhysicalLine[] = [];
    let data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.tail.length > 0) data = Buffer.concat([this.tail, data]);
    let start = 0;
    for (let end = data.indexOf(LF); end >= 0; end = data.indexOf(LF, start)) {
      lines.push(this.finish(data.subarray(start, end)));
      start = end + 1;
    }
    this.keep(data.subarray(start));
    return lines;
  }

  /** The last line, when it has no line end. */
  end(): PhysicalLine[] {
    if (this.tail.length === 0 && !this.isTooLong) return [];
    const line = this.finish(this.tail);
    this.tail = Buffer.alloc(0);
    return [line];
  }

  private finish(bytes: Buffer): PhysicalLine {
    const number = ++this.lineNumber;
    const isTooLong = this.isTooLong || bytes.length > LINE_BYTES_MAX;
    this.isTooLong = false;
    if (isTooLong) return { number, text: undefined };
    const body = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
    return { number, text: decode(number === 1 ? withoutByteOrderMark(body) : body) };
  }

  private keep(rest: Buffer): void {
    this.isTooLong ||= rest.length > LINE_BYTES_MAX;
    // A copy: the chunk belongs to the stream.
    this.tail = this.isTooLong ? Buffer.alloc(0) : Buffer.from(rest);
  }
}

const LF = 0x0a;
const CR = 0x0d;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const windows1252 = new TextDecoder('windows-1252');

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return windows1252.decode(bytes);
  }
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
