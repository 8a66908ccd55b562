import { AepError } from '@aep/kernel';
import type { RecordHash } from './journal.js';
import { hashRecord } from './record-hash.js';
import { HASH_OFFSET, HEADER_BYTES, RECORD_VERSION, Section, type SectionTag } from './record-layout.js';

/**
 * Reads records section by section without making objects: `open` checks the record, each `next` positions at a section
 * and fills the fields that its tag has. Fields of other tags keep old values; byte ranges refer to `bytes`.
 *
 * Every offset is checked against the section's end, so damaged bytes give AEP_RECORD_CORRUPT, never a read outside.
 */
export class RecordReader {
  bytes: Uint8Array = EMPTY;
  start = 0;
  end = 0;

  kind = 0;
  flags = 0;
  epoch = 0;
  txId = 0;
  seed = 0;
  timeMs = 0;
  readonly previousHash = { low: 0, high: 0 };
  readonly hash = { low: 0, high: 0 };

  /** The section that `next` stands at; 0 past the last. */
  tag: SectionTag | 0 = 0;
  /** inboundCause and outbound: the channel tag's range, with its parts. */
  channelTagStart = 0;
  channelTagEnd = 0;
  qos = 0;
  senderId = 0;
  incarnation = 0;
  flow = 0;
  sno = 0;
  channelSno = 0;
  /** localCause. */
  localKind = 0;
  /** message and outbound. */
  factoryId = 0;
  typeId = 0;
  sentAtMs = 0;
  /** put and delete. */
  tableId = 0;
  keyStart = 0;
  keyEnd = 0;
  /** put: the value; message and outbound: the message's bytes. */
  contentStart = 0;
  contentEnd = 0;

  private view: DataView = new DataView(EMPTY.buffer);
  private offset = 0;
  private limit = 0;
  private readonly computed = { low: 0, high: 0 };
  private readonly labelAt = { start: 0, end: 0 };
  private readonly keyAt = { start: 0, end: 0 };
  private readonly traceAt = { start: 0, end: 0 };

  /**
   * Opens the record that begins at `start` of `bytes`; it must end at or before `limit`. Returns its end.
   *
   * @throws AEP_RECORD_CORRUPT when length, version or checksum do not hold
   */
  open(bytes: Uint8Array, start = 0, limit = bytes.length): number {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.start = start;
    if (limit - start < HEADER_BYTES) throw this.corrupt('it is shorter than a header');
    const view = this.view;
    const length = view.getUint32(start, true);
    this.txId = view.getUint32(start + 12, true) + view.getUint32(start + 16, true) * 0x1_0000_0000;
    if (length < HEADER_BYTES || length > limit - start) throw this.corrupt(`its length says ${length} bytes`);
    this.end = start + length;
    hashRecord(view, start, this.end, this.computed);
    this.hash.low = view.getUint32(start + HASH_OFFSET, true);
    this.hash.high = view.getUint32(start + HASH_OFFSET + 4, true);
    if (this.computed.low !== this.hash.low || this.computed.high !== this.hash.high)
      throw this.corrupt('its checksum does not match');
    const version = view.getUint8(start + 4);
    if (version !== RECORD_VERSION) throw this.otherVersion(version);
    this.header(start);
    return this.end;
  }

  /**
   * As {@link open}, without the checksum: only for bytes that this process has sealed or checked itself and that have
   * not left its memory. It halves the cost of a fold.
   */
  openTrusted(bytes: Uint8Array, start: number): number {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const view = this.view;
    this.start = start;
    this.end = start + view.getUint32(start, true);
    this.txId = view.getUint32(start + 12, true) + view.getUint32(start + 16, true) * 0x1_0000_0000;
    this.hash.low = view.getUint32(start + HASH_OFFSET, true);
    this.hash.high = view.getUint32(start + HASH_OFFSET + 4, true);
    this.header(start);
    return this.end;
  }

  private header(start: number): void {
    const view = this.view;
    this.kind = view.getUint8(start + 5);
    this.flags = view.getUint16(start + 6, true);
    this.epoch = view.getUint32(start + 8, true);
    this.seed = view.getUint32(start + 20, true);
    this.timeMs = view.getFloat64(start + 24, true);
    this.previousHash.low = view.getUint32(start + 32, true);
    this.previousHash.high = view.getUint32(start + 36, true);
    this.offset = start + HEADER_BYTES;
    this.tag = 0;
  }

  /** Back to before the first section of the open record. */
  rewind(): void {
    this.offset = this.start + HEADER_BYTES;
    this.tag = 0;
  }

  /** @throws AEP_RECORD_CORRUPT unless the record follows the one with this hash and number */
  checkFollows(previousTxId: number, previous: RecordHash): void {
    if (this.txId !== previousTxId + 1) throw this.corrupt(`it stands behind record ${previousTxId}`);
    if (this.previousHash.low !== previous.low || this.previousHash.high !== previous.high) {
      throw this.corrupt(`it does not carry the hash of record ${previousTxId}`);
    }
  }

  /** Moves to the next section; false past the last. Sections of unknown tags are passed over. */
  next(): boolean {
    return this.move(true);
  }

  /** As {@link next}, for folds: what stands in a section for people and programs is not looked at. */
  nextChange(): boolean {
    return this.move(false);
  }

  private move(isWhole: boolean): boolean {
    for (;;) {
      if (this.offset >= this.end) {
        this.tag = 0;
        return false;
      }
      if (this.end - this.offset < 4) throw this.corrupt('a section has no head');
      const head = this.view.getUint32(this.offset, true);
      this.offset += 4;
      this.limit = this.offset + (head >>> 8);
      if (this.limit > this.end) throw this.corrupt('a section is longer than the record');
      const known = this.section(head & 0xff, isWhole);
      this.offset = this.limit;
      if (known) return true;
    }
  }

  /** localCause: timer id, command name, idempotency key … Decoded at each read, as the two below: a fold needs none of them. */
  get label(): string {
    return this.textAt(this.labelAt.start, this.labelAt.end - this.labelAt.start);
  }

  /** message and outbound: the resolved channel key; empty when there is none. */
  get key(): string {
    return this.textAt(this.keyAt.start, this.keyAt.end - this.keyAt.start);
  }

  /** message and outbound: W3C trace context; empty when there is none. */
  get traceparent(): string {
    return this.textAt(this.traceAt.start, this.traceAt.end - this.traceAt.start);
  }

  /** Name of the bus in the channel tag of this section. */
  busName(): string {
    const length = this.bytes[this.channelTagStart + 1]!;
    return this.textAt(this.channelTagStart + 2, length);
  }

  /** Name of the channel in the channel tag of this section. */
  channelName(): string {
    const busLength = this.bytes[this.channelTagStart + 1]!;
    const at = this.channelTagStart + 2 + busLength;
    return this.textAt(at + 1, this.bytes[at]!);
  }

  private section(tag: number, isWhole: boolean): boolean {
    switch (tag) {
      case Section.put:
        this.tableId = this.varint();
        this.keyStart = this.advance(this.varint());
        this.keyEnd = this.offset;
        this.content();
        break;
      case Section.delete:
        this.tableId = this.varint();
        this.keyStart = this.offset;
        this.keyEnd = this.limit;
        break;
      case Section.inboundCause:
        this.channelTag();
        this.senderId = this.view.getUint32(this.advance(4), true);
        this.incarnation = this.varint();
        this.flow = this.varint();
        this.sno = this.varint();
        this.channelSno = this.varint();
        break;
      case Section.outbound:
        this.channelTag();
        this.flow = this.varint();
        this.sno = this.varint();
        this.channelSno = this.varint();
        if (isWhole) this.messageHead();
        break;
      case Section.message:
        if (isWhole) this.messageHead();
        break;
      case Section.localCause:
        this.localKind = this.bytes[this.advance(1)]!;
        this.text(this.labelAt);
        break;
      default:
        return false;
    }
    this.tag = tag;
    return true;
  }

  private channelTag(): void {
    const start = this.advance(2);
    this.channelTagStart = start;
    this.qos = this.bytes[start]!;
    this.advance(this.bytes[start + 1]!);
    const length = this.bytes[this.advance(1)]!;
    this.advance(length);
    this.channelTagEnd = this.offset;
  }

  private messageHead(): void {
    this.factoryId = this.varint();
    this.typeId = this.varint();
    this.sentAtMs = this.view.getFloat64(this.advance(8), true);
    this.text(this.keyAt);
    this.text(this.traceAt);
    this.content();
  }

  private content(): void {
    this.contentStart = this.offset;
    this.contentEnd = this.limit;
  }

  /** Moves on by `count` bytes of the section and returns where they began. */
  private advance(count: number): number {
    const start = this.offset;
    if (count > this.limit - start) throw this.corrupt('a field reaches past its section');
    this.offset = start + count;
    return start;
  }

  private varint(): number {
    const { bytes, limit } = this;
    let at = this.offset;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      if (at >= limit) throw this.corrupt('a field reaches past its section');
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        this.offset = at;
        return value;
      }
      scale *= 128;
    }
    throw this.corrupt('a number has more than 53 bits');
  }

  private text(place: { start: number; end: number }): void {
    const length = this.varint();
    place.start = this.advance(length);
    place.end = this.offset;
  }

  private textAt(start: number, length: number): string {
    if (length === 0) return '';
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, length).toString('utf8');
  }

  private otherVersion(version: number): AepError {
    const { txId } = this;
    const message = `record ${txId} has format ${version}; this build reads ${RECORD_VERSION}: use a build that wrote it, or a newer one`;
    return new AepError('AEP_RECORD_VERSION', 'fatal', message, { txId, version });
  }

  private corrupt(why: string): AepError {
    const txId = this.txId;
    return new AepError('AEP_RECORD_CORRUPT', 'fatal', `record ${txId} at byte ${this.start} cannot be read: ${why}`, {
      txId,
      at: this.start,
    });
  }
}

const EMPTY = new Uint8Array(0);
