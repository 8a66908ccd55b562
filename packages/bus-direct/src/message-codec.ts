import type { MessageMetadata } from '@aep/messages';
import type { FrameWriter } from './frame-writer.js';
import {
  protocolError,
  readU16,
  readU32,
  RECORD_FLAG_REDELIVERED,
  RECORD_HEADER_BYTES,
  writeU16,
  writeU32,
} from './protocol.js';

/** A message as it goes on the wire. */
export interface WireMessage {
  readonly channel: { readonly id: number };
  readonly key: string;
  readonly metadata: MessageMetadata;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export const KEY_BYTES_MAX = 65_535;
const SMALL_BYTES = 48;

/** Bytes that a message takes in a window: what a receiver keeps for it. */
export function windowCost(message: WireMessage): number {
  return message.end - message.start + RECORD_HEADER_BYTES;
}

/** Appends one message to the open frame. */
export function writeMessage(writer: FrameWriter, message: WireMessage, isRedelivered: boolean, number: number): void {
  const metadataBytes = message.metadata.encodedSize();
  const bytes = message.end - message.start;
  // Three bytes are the most that a UTF-16 unit takes in UTF-8.
  const target = writer.record(RECORD_HEADER_BYTES + 3 * message.key.length + metadataBytes + bytes, number);
  const head = writer.position;
  const keyAt = head + RECORD_HEADER_BYTES;
  const metadataAt = writeKey(target, keyAt, message.key);
  const messageAt = message.metadata.encodeTo(target, metadataAt);
  target[head] = isRedelivered ? RECORD_FLAG_REDELIVERED : 0;
  writeU32(target, head + 1, message.channel.id);
  writeU16(target, head + 5, metadataAt - keyAt);
  writeU16(target, head + 7, messageAt - metadataAt);
  writeU32(target, head + 9, bytes);
  copyMessage(message, target, messageAt);
  writer.advance(messageAt + bytes);
}

const encoder = new TextEncoder();

function writeKey(target: Uint8Array, at: number, key: string): number {
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit > 0x7f) return at + encoder.encodeInto(key, target.subarray(at)).written;
    target[at + index] = unit;
  }
  return at + key.length;
}

function copyMessage(message: WireMessage, target: Uint8Array, at: number): void {
  const { bytes, start, end } = message;
  // `subarray` makes an object; for few bytes a loop is cheaper.
  if (end - start > SMALL_BYTES) target.set(bytes.subarray(start, end), at);
  else for (let from = start, to = at; from < end; from++, to++) target[to] = bytes[from]!;
}

/** Walks over the records of a frame. One object is used for all of them. */
export class RecordCursor {
  isRedelivered = false;
  channelId = 0;
  keyStart = 0;
  metadataStart = 0;
  start = 0;
  end = 0;

  /** Reads the record at `at`; it ends at `end`. @throws AEP_DIRECT_PROTOCOL (retry) */
  read(bytes: Uint8Array, at: number, limit: number): void {
    if (limit - at < RECORD_HEADER_BYTES) throw protocolError('a message record is cut off');
    const flags = bytes[at]!;
    if ((flags & ~RECORD_FLAG_REDELIVERED) !== 0) throw protocolError(`unknown flags ${flags} in a message record`);
    this.isRedelivered = flags !== 0;
    this.channelId = readU32(bytes, at + 1);
    this.keyStart = at + RECORD_HEADER_BYTES;
    this.metadataStart = this.keyStart + readU16(bytes, at + 5);
    this.start = this.metadataStart + readU16(bytes, at + 7);
    this.end = this.start + readU32(bytes, at + 9);
    if (this.end > limit) throw protocolError('a message record is longer than its frame');
  }
}

const CACHE_SLOTS = 1024;
const CACHED_KEY_BYTES_MAX = 256;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Keys repeat: the string of a key that came before is used again, so most messages decode none. */
export class KeyCache {
  private readonly keys: (string | undefined)[] = Array.from({ length: CACHE_SLOTS }, () => undefined);
  private readonly encoded: (Uint8Array | undefined)[] = Array.from({ length: CACHE_SLOTS }, () => undefined);

  /** @throws AEP_DIRECT_PROTOCOL (retry) when it is not UTF-8 */
  decode(bytes: Uint8Array, start: number, end: number): string {
    if (start === end) return '';
    if (end - start > CACHED_KEY_BYTES_MAX) return decodeKey(bytes.subarray(start, end));
    let hash = 0x811c9dc5;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (CACHE_SLOTS - 1);
    const known = this.encoded[slot];
    if (known !== undefined && isEqual(known, bytes, start, end)) return this.keys[slot]!;
    const encoded = bytes.slice(start, end);
    const key = decodeKey(encoded);
    this.encoded[slot] = encoded;
    this.keys[slot] = key;
    return key;
  }
}

function decodeKey(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw protocolError('a key that is not UTF-8');
  }
}

function isEqual(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let at = start, index = 0; at < end; at++, index++) if (known[index] !== bytes[at]) return false;
  return true;
}
