import { AepError, assert } from '@aep/kernel';
import type { RecordHash } from './journal.js';
import { hashRecord } from './record-hash.js';
import { KEY_BYTES_MAX, TABLE_ID_MAX } from './tables.js';
import {
  HASH_OFFSET,
  HEADER_BYTES,
  type LocalCause,
  RECORD_BYTES_MAX,
  RECORD_VERSION,
  RecordKind,
  Section,
  SECTION_BYTES_MAX,
  type SectionTag,
} from './record-layout.js';

/** Something that knows its protobuf bytes: message views and entities. */
export interface Encodable {
  /** A cheap upper bound of the encoded size: the room that is reserved, so that a message is encoded once. */
  $encodedSizeMax(): number;
  /** The exact size, at the cost of an encoding: asked only when the bound does not fit into a record. */
  $encodedSize(): number;
  /** Encodes at `offset` and returns the end offset; what lies behind it, up to the bound, may be overwritten. */
  $encodeTo(target: Uint8Array, offset: number): number;
}

/** Where an inbound message came from, as far as the journal keeps it (E51, E52). Numbers are safe integers. */
export interface InboundCause {
  /** {@link encodeChannelTag} of its bus, channel and quality of service. */
  readonly channelTag: Uint8Array;
  readonly senderId: number;
  readonly incarnation: number;
  readonly flow: number;
  readonly sno: number;
  readonly channelSno: number;
}

/** Type and origin of a message that stands in a record. */
export interface MessageHead {
  readonly factoryId: number;
  readonly typeId: number;
  readonly sentAtMs: number;
  /** Resolved channel key; empty when there is none. */
  readonly key: string;
  /** W3C trace context; empty when there is none. */
  readonly traceparent: string;
}

export interface OutboundNumbers {
  readonly flow: number;
  readonly sno: number;
  readonly channelSno: number;
}

/** Bus, channel and quality of service as a record carries them: made once per channel, copied into each record. */
export function encodeChannelTag(bus: string, channel: string, qos: number): Uint8Array {
  const busBytes = Buffer.from(bus, 'utf8');
  const channelBytes = Buffer.from(channel, 'utf8');
  assert(busBytes.length < 256 && channelBytes.length < 256, 'names of buses and channels have at most 255 bytes');
  return Uint8Array.from([qos, busBytes.length, ...busBytes, channelBytes.length, ...channelBytes]);
}

/**
 * Writes one record at a time. Order of calls: `begin`, a cause, any number of other sections, `seal`; then
 * `bytes[start, start + length)` is the record until the next `begin`.
 *
 * It lies in a buffer of the writer's own that grows and is reused, with `start` 0; or where {@link placeAt} said, if there
 * is room for it.
 */
export class RecordWriter {
  bytes: Uint8Array;
  start = 0;
  readonly hash = { low: 0, high: 0 };
  private own: Uint8Array;
  private nextBytes: Uint8Array | undefined;
  private nextStart = 0;
  private view: DataView;
  /** Where the next byte goes. */
  private end = 0;
  private sectionStart = 0;

  constructor(initialBytes = 64 * 1024) {
    this.own = new Uint8Array(initialBytes);
    this.bytes = this.own;
    this.view = new DataView(this.bytes.buffer);
  }

  /** Bytes of the record so far. */
  get length(): number {
    return this.end - this.start;
  }

  /** The record that begins next is written to `bytes` from `start` on: where the journal would copy it to. */
  placeAt(bytes: Uint8Array, start: number): void {
    const hasRoom = bytes.length - start >= HEADER_BYTES;
    this.nextBytes = hasRoom ? bytes : undefined;
    this.nextStart = start;
  }

  begin(kind: RecordKind, epoch: number, txId: number, timeMs: number): void {
    const { nextBytes } = this;
    if (nextBytes === undefined) this.writeTo(this.own, 0);
    else this.writeTo(nextBytes, this.nextStart);
    this.nextBytes = undefined;
    const { view, start } = this;
    this.end = start + HEADER_BYTES;
    view.setUint8(start + 4, RECORD_VERSION);
    view.setUint8(start + 5, kind);
    view.setUint16(start + 6, 0, true);
    view.setUint32(start + 8, epoch, true);
    view.setUint32(start + 12, txId >>> 0, true);
    view.setUint32(start + 16, Math.floor(txId / 0x1_0000_0000), true);
    view.setUint32(start + 20, 0, true);
    view.setFloat64(start + 24, timeMs, true);
  }

  setFlags(flags: number): void {
    this.view.setUint16(this.start + 6, flags, true);
  }

  setSeed(seed: number): void {
    this.view.setUint32(this.start + 20, seed, true);
  }

  /** Section inboundCause: channel tag, u32 sender, varints incarnation, flow, sno, channelSno. */
  inboundCause(cause: InboundCause): void {
    this.open(Section.inboundCause, cause.channelTag.length + 4 + 4 * VARINT_BYTES_MAX);
    this.raw(cause.channelTag);
    this.uint32(cause.senderId);
    this.varint(cause.incarnation);
    this.varint(cause.flow);
    this.signed(cause.sno);
    this.varint(cause.channelSno);
    this.close();
  }

  /** Section localCause: u8 kind, text label (timer id, command name, idempotency key …). */
  localCause(kind: LocalCause, label: string): void {
    this.open(Section.localCause, 1 + textBytesMax(label));
    this.bytes[this.end++] = kind;
    this.text(label);
    this.close();
  }

  /** Section message: head, then the message's bytes to the section's end. What an event-sourced record replays. */
  message(head: MessageHead, content: Uint8Array): void {
    this.open(Section.message, headBytesMax(head) + content.length);
    this.head(head);
    this.raw(content);
    this.close();
  }

  /** Section put: varint table, varint key length, key, then the value to the section's end. */
  put(tableId: number, key: Uint8Array, keyLength: number, value: Encodable): void {
    this.openPut(tableId, key, keyLength, this.roomFor(value));
    this.encode(value);
    this.close();
  }

  putBytes(tableId: number, key: Uint8Array, value: Uint8Array): void {
    this.openPut(tableId, key, key.length, value.length);
    this.raw(value);
    this.close();
  }

  /** Section delete: varint table, then the key to the section's end. */
  delete(tableId: number, key: Uint8Array, keyLength: number): void {
    this.open(Section.delete, VARINT_BYTES_MAX + keyLength);
    this.varint(tableId);
    this.raw(key, keyLength);
    this.close();
  }

  /**
   * Section outbound: channel tag, varints flow, sno, channelSno, head, then the message's bytes to the section's end.
   * Returns the offset of the message's bytes in the record; they end where the record ends now.
   */
  outbound(channelTag: Uint8Array, numbers: OutboundNumbers, head: MessageHead, message: Encodable): number {
    const room = this.roomFor(message);
    this.open(Section.outbound, channelTag.length + 3 * VARINT_BYTES_MAX + headBytesMax(head) + room);
    this.raw(channelTag);
    this.varint(numbers.flow);
    this.signed(numbers.sno);
    this.varint(numbers.channelSno);
    this.head(head);
    const offset = this.length;
    this.encode(message);
    this.close();
    return offset;
  }

  /** Fills in length, chain and checksum. The hash of the record is in `hash` until the next seal. */
  seal(previous: RecordHash): void {
    assert(this.length > HEADER_BYTES, 'a record has a cause');
    const { view, start } = this;
    view.setUint32(start, this.length, true);
    view.setUint32(start + 32, previous.low, true);
    view.setUint32(start + 36, previous.high, true);
    hashRecord(view, start, this.end, this.hash);
    view.setUint32(start + HASH_OFFSET, this.hash.low, true);
    view.setUint32(start + HASH_OFFSET + 4, this.hash.high, true);
  }

  private openPut(tableId: number, key: Uint8Array, keyLength: number, valueLength: number): void {
    // Here and not where it is applied: what is in the journal must be applicable.
    assert(tableId <= TABLE_ID_MAX && keyLength <= KEY_BYTES_MAX, 'table ids and keys are within their limits');
    this.open(Section.put, 2 * VARINT_BYTES_MAX + keyLength + valueLength);
    this.varint(tableId);
    this.varint(keyLength);
    this.raw(key, keyLength);
  }

  /** The bound may be three times the size: near the limit of a record the exact size decides. */
  private roomFor(content: Encodable): number {
    const room = content.$encodedSizeMax();
    return this.length + room <= RECORD_BYTES_MAX / 2 ? room : content.$encodedSize();
  }

  private encode(content: Encodable): void {
    const end = content.$encodeTo(this.bytes, this.end);
    assert(end <= this.bytes.length, 'an encoding stays within the bound that it announced');
    this.end = end;
  }

  private open(tag: SectionTag, payloadBytesMax: number): void {
    this.reserve(4 + payloadBytesMax);
    this.sectionStart = this.end;
    this.bytes[this.end] = tag;
    this.end += 4;
  }

  private close(): void {
    const payload = this.end - this.sectionStart - 4;
    if (payload > SECTION_BYTES_MAX) throw sectionTooLarge(payload);
    const at = this.sectionStart;
    this.bytes[at + 1] = payload & 0xff;
    this.bytes[at + 2] = (payload >>> 8) & 0xff;
    this.bytes[at + 3] = payload >>> 16;
  }

  private head(head: MessageHead): void {
    this.varint(head.factoryId);
    this.varint(head.typeId);
    this.view.setFloat64(this.end, head.sentAtMs, true);
    this.end += 8;
    this.text(head.key);
    this.text(head.traceparent);
  }

  private uint32(value: number): void {
    this.view.setUint32(this.end, value, true);
    this.end += 4;
  }

  /** Sequence numbers may be 0 or below (E51): all of those are written as 0, "unsequenced". */
  private signed(value: number): void {
    this.varint(value > 0 ? value : 0);
  }

  private varint(value: number): void {
    const bytes = this.bytes;
    let at = this.end;
    let rest = value;
    while (rest >= 0x80) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      // Division keeps numbers past 2^31 whole; below, the shift is the faster way.
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 128);
    }
    bytes[at++] = rest;
    this.end = at;
  }

  private text(text: string): void {
    const length = text.length;
    let index = 0;
    const start = this.end;
    const bytes = this.bytes;
    if (length < 0x80) {
      // Keys and labels are short and ASCII: written in place, with the length in front in one byte.
      for (; index < length; index++) {
        const unit = text.charCodeAt(index);
        if (unit >= 0x80) break;
        bytes[start + 1 + index] = unit;
      }
      if (index === length) {
        bytes[start] = length;
        this.end = start + 1 + length;
        return;
      }
    }
    const encoded = Buffer.from(text, 'utf8');
    this.varint(encoded.length);
    this.raw(encoded);
  }

  private raw(source: Uint8Array, length = source.length): void {
    const { bytes, end } = this;
    // Keys and channel tags are short: a loop is faster than a call into the engine's copy.
    if (length <= SHORT_BYTES) for (let index = 0; index < length; index++) bytes[end + index] = source[index]!;
    else bytes.set(length === source.length ? source : source.subarray(0, length), end);
    this.end = end + length;
  }

  private reserve(count: number): void {
    if (this.end + count <= this.bytes.length) return;
    const needed = this.length + count;
    if (needed > RECORD_BYTES_MAX) throw recordTooLarge(needed);
    let capacity = this.own.length;
    while (capacity < needed) capacity *= 2;
    if (capacity > this.own.length) this.own = withRoom(this.own, capacity);
    // What is written so far moves from a place that is too small.
    const { bytes, start, end, length } = this;
    if (bytes !== this.own) this.own.set(bytes.subarray(start, end));
    this.writeTo(this.own, 0);
    this.sectionStart -= start;
    this.end = length;
  }

  private writeTo(bytes: Uint8Array, start: number): void {
    this.start = start;
    if (bytes === this.bytes) return;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

function withRoom(bytes: Uint8Array, capacity: number): Uint8Array {
  const grown = new Uint8Array(capacity);
  grown.set(bytes);
  return grown;
}

/** Up to here a loop copies faster. */
const SHORT_BYTES = 64;
const VARINT_BYTES_MAX = 8;

function textBytesMax(text: string): number {
  return VARINT_BYTES_MAX + 3 * text.length;
}

function headBytesMax(head: MessageHead): number {
  return 2 * VARINT_BYTES_MAX + 8 + textBytesMax(head.key) + textBytesMax(head.traceparent);
}

function sectionTooLarge(bytes: number): AepError {
  return new AepError(
    'AEP_RECORD_TOO_LARGE',
    'reject',
    `a message or an entry of the transaction has ${bytes} bytes; the journal takes at most ${SECTION_BYTES_MAX}: split it`,
    { bytes, bytesMax: SECTION_BYTES_MAX },
  );
}

function recordTooLarge(bytes: number): AepError {
  return new AepError(
    'AEP_RECORD_TOO_LARGE',
    'reject',
    `the transaction has more than ${bytes} bytes; the journal takes at most ${RECORD_BYTES_MAX}: do less in one handler call`,
    { bytes, bytesMax: RECORD_BYTES_MAX },
  );
}
