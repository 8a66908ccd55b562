import { protocolError } from './stomp-error.js';
import { unescapeHeader } from './header-text.js';
import { NO_BYTES, type StompFrame, type StompHeaders, type StompLimits } from './stomp-frame.js';

const LF = 10;
const CR = 13;
const COMMAND = /^[A-Z]{3,16}$/;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Cuts a stream of bytes, in pieces of any size, into STOMP 1.2 frames. A body that lies in one piece is not copied. Nothing is allocated
 * before its size is known to be within the limits; what a length announces is believed only up to them.
 * ```
 *   head ──content-length──> counted ──all bytes──> end ──NUL──> head
 *     └───without it──> terminated ──NUL──────────────────────────^
 * ```
 */
export class StompFrameReader {
  private state: 'head' | 'counted' | 'terminated' | 'end' = 'head';
  /** Bytes of a head whose end has not come. */
  private held: Uint8Array = NO_BYTES;
  /** How many of them are known not to hold the end. */
  private searched = 0;
  private command = '';
  private headers: StompHeaders = {};
  private isOversized = false;
  /** Bytes of a counted body still to come. */
  private left = 0;
  private body: Uint8Array = NO_BYTES;
  private bodyStart = 0;
  private bodyEnd = 0;
  /** The body is a copy, and no range of a piece of the network's. */
  private isOwnBody = false;
  private isStopped = false;

  constructor(
    private readonly onFrame: (frame: StompFrame) => void,
    private readonly limits: StompLimits,
  ) {}

  /** No frame comes any more. */
  stop(): void {
    this.isStopped = true;
    this.held = NO_BYTES;
    this.body = NO_BYTES;
  }

  /** Takes the next piece; frames that are complete are handed over at once. @throws AEP_STOMP_PROTOCOL (retry) */
  push(bytes: Uint8Array): void {
    let piece = bytes;
    if (this.held.length > 0) {
      piece = joined(this.held, bytes);
      this.held = NO_BYTES;
    }
    let at = 0;
    while (at < piece.length && !this.isStopped) at = this.step(piece, at);
  }

  /** Reads on at `at` and answers how far it came. */
  private step(piece: Uint8Array, at: number): number {
    switch (this.state) {
      case 'head':
        return this.readHead(piece, at);
      case 'counted':
        return this.readCounted(piece, at);
      case 'terminated':
        return this.readTerminated(piece, at);
      case 'end':
        if (piece[at] !== 0) throw protocolError('a body is longer than its content-length');
        this.finish();
        return at + 1;
    }
  }

  private readHead(piece: Uint8Array, from: number): number {
    let start = from;
    // Line ends between frames are heartbeats.
    if (this.searched === 0) while (piece[start] === LF || piece[start] === CR) start++;
    const limit = Math.min(piece.length, start + this.limits.headBytesMax + 1);
    for (let at = piece.indexOf(LF, start + this.searched); at >= 0 && at < limit; at = piece.indexOf(LF, at + 1)) {
      const next = piece[at + 1] === CR ? at + 2 : at + 1;
      if (next >= piece.length) break;
      if (piece[next] !== LF) continue;
      this.searched = 0;
      this.parseHead(decodeHead(piece, start, at));
      return next + 1;
    }
    if (piece.length - start > this.limits.headBytesMax) {
      throw protocolError(`a head of more than ${this.limits.headBytesMax} bytes`);
    }
    this.held = piece.subarray(start);
    // The line end that may be the first of two is looked at again.
    this.searched = Math.max(0, this.held.length - 2);
    return piece.length;
  }

  private parseHead(head: string): void {
    const lineEnd = head.indexOf('\n');
    this.command = withoutReturn(lineEnd < 0 ? head : head.slice(0, lineEnd));
    if (!COMMAND.test(this.command)) throw protocolError('a frame without a command; is this a STOMP connector?');
    if (linesIn(head) > this.limits.headerCountMax) {
      throw protocolError(`a frame with more than ${this.limits.headerCountMax} headers`);
    }
    this.headers = parseHeaders(head, lineEnd < 0 ? head.length : lineEnd + 1, this.command);
    this.isOversized = false;
    const length = this.headers['content-length'];
    if (length === undefined) {
      this.state = 'terminated';
      return;
    }
    if (!/^\d{1,15}$/.test(length.trim())) throw protocolError('a content-length that is no number');
    this.left = Number(length);
    this.isOversized = this.left > this.limits.bodyBytesMax;
    this.state = this.left === 0 ? 'end' : 'counted';
  }

  private readCounted(piece: Uint8Array, at: number): number {
    const end = Math.min(piece.length, at + this.left);
    const count = end - at;
    if (!this.isOversized) {
      if (this.body.length === 0 && count === this.left) {
        this.body = piece;
        this.bodyStart = at;
        this.bodyEnd = end;
      } else {
        if (this.body.length === 0) this.body = new Uint8Array(this.left);
        this.body.set(piece.subarray(at, end), this.bodyEnd);
        this.bodyEnd += count;
      }
    }
    this.left -= count;
    if (this.left === 0) this.state = 'end';
    return end;
  }

  private readTerminated(piece: Uint8Array, at: number): number {
    const nul = piece.indexOf(0, at);
    const end = nul < 0 ? piece.length : nul;
    if (this.bodyEnd - this.bodyStart + (end - at) > this.limits.bodyBytesMax) {
      this.isOversized = true;
      this.body = NO_BYTES;
      this.bodyStart = this.bodyEnd = 0;
    }
    if (!this.isOversized) this.appendTerminated(piece, at, end);
    if (nul < 0) return end;
    this.finish();
    return nul + 1;
  }

  private appendTerminated(piece: Uint8Array, at: number, end: number): void {
    const size = this.bodyEnd - this.bodyStart;
    if (size === 0) {
      this.body = piece;
      this.bodyStart = at;
      this.bodyEnd = end;
      this.isOwnBody = false;
      return;
    }
    const needed = size + end - at;
    if (!this.isOwnBody || this.body.length < needed) {
      // Doubling: small pieces of a large body must not copy it once each.
      const grown = new Uint8Array(Math.min(this.limits.bodyBytesMax, needed * 2));
      grown.set(this.body.subarray(this.bodyStart, this.bodyEnd));
      this.body = grown;
      this.bodyStart = 0;
      this.isOwnBody = true;
    }
    this.body.set(piece.subarray(at, end), size);
    this.bodyEnd = needed;
  }

  private finish(): void {
    const { command, headers, isOversized } = this;
    const frame = { command, headers, bytes: this.body, start: this.bodyStart, end: this.bodyEnd, isOversized };
    this.state = 'head';
    this.body = NO_BYTES;
    this.bodyStart = this.bodyEnd = 0;
    this.onFrame(frame);
  }
}

function decodeHead(piece: Uint8Array, start: number, end: number): string {
  let text: string;
  try {
    text = decoder.decode(piece.subarray(start, end));
  } catch {
    throw protocolError('a head that is not UTF-8');
  }
  if (text.includes('\0')) throw protocolError('a zero byte in a head');
  return text;
}

/** Lines behind the first one, which is the command. */
function parseHeaders(head: string, from: number, command: string): StompHeaders {
  const headers = Object.create(null) as Record<string, string>;
  // An error may come before a version is agreed on, so its texts may or may not be escaped.
  const isError = command === 'ERROR';
  const isPlain = isError || command === 'CONNECTED' || command === 'CONNECT' || !head.includes('\\');
  let end = from;
  for (let start = from; start < head.length; start = end + 1) {
    end = head.indexOf('\n', start);
    if (end < 0) end = head.length;
    const colon = head.indexOf(':', start);
    if (colon <= start || colon >= end) {
      if (isError) continue;
      throw protocolError('a header without a name');
    }
    const valueEnd = head.charCodeAt(end - 1) === CR ? end - 1 : end;
    const [name, value] = [head.slice(start, colon), head.slice(colon + 1, valueEnd)];
    if (isPlain) headers[name] ??= value;
    else headers[unescapeHeader(name)] ??= unescapeHeader(value);
  }
  return headers;
}

function linesIn(head: string): number {
  let count = 0;
  for (let at = head.indexOf('\n'); at >= 0; at = head.indexOf('\n', at + 1)) count++;
  return count;
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
