import { AepError } from '@aep/kernel';
import { readVarint, varintEnd, varintSize, writeVarint } from './varint.js';

const flagPossibleDuplicate = 1;
const flagTraceparent = 2;
const flagNegativeSno = 4;
const flagsKnown = 7;
const fixedBytes = 7;
const traceparentBytesMax = 255;
const u32Max = 0xffff_ffff;

/** Header names of the text form, for brokers. */
const headerNames = {
  version: 'aep-version',
  encoding: 'aep-encoding',
  factoryId: 'aep-factory-id',
  typeId: 'aep-type-id',
  senderId: 'aep-sender-id',
  incarnation: 'aep-incarnation',
  flow: 'aep-flow',
  sno: 'aep-sno',
  channelSno: 'aep-channel-sno',
  sentAtMs: 'aep-sent-at-ms',
} as const;
type NumberName = keyof typeof headerNames;
const numberNames = Object.keys(headerNames) as NumberName[];
const duplicateHeader = 'aep-possible-duplicate';
const traceparentHeader = 'traceparent';

/**
 * What travels beside the bytes of a message (E50); channel and key are the binding's own. A reusable object: `reset`,
 * `copyFrom` and `decodeFrom` overwrite all of it. Numbers are integers; at most 2^53 - 1, ids at most 2^32 - 1.
 *
 * Binary form: u8 version, u8 encoding, u8 flags (1 possible duplicate, 2 traceparent follows, 4 sno is negative),
 * u32 little-endian sender id, then varints: factory id, type id, incarnation, flow, |sno|, channel sno, sent at;
 * then u8 length and ASCII of the traceparent if its flag is set.
 */
export class MessageMetadata {
  version = 1;
  /** 1 = protobuf. */
  encoding = 1;
  factoryId = 0;
  typeId = 0;
  /** 32-bit hash of the sending engine's name. */
  senderId = 0;
  /** Grows with each new life of the sender's journal. */
  incarnation = 0;
  flow = 0;
  /** Sequence number in (sender, flow): 1, 2, 3 …; 0 or less means unsequenced (E51). */
  sno = 0;
  /** Sequence number on the channel, for gaps (E52). */
  channelSno = 0;
  possibleDuplicate = false;
  /** Milliseconds since 1970 at the sender's clock. */
  sentAtMs = 0;
  /** W3C trace context; at most 255 ASCII characters. */
  traceparent: string | undefined = undefined;

  reset(): void {
    this.version = 1;
    this.encoding = 1;
    this.factoryId = 0;
    this.typeId = 0;
    this.senderId = 0;
    this.incarnation = 0;
    this.flow = 0;
    this.sno = 0;
    this.channelSno = 0;
    this.possibleDuplicate = false;
    this.sentAtMs = 0;
    this.traceparent = undefined;
  }

  copyFrom(other: MessageMetadata): void {
    this.version = other.version;
    this.encoding = other.encoding;
    this.factoryId = other.factoryId;
    this.typeId = other.typeId;
    this.senderId = other.senderId;
    this.incarnation = other.incarnation;
    this.flow = other.flow;
    this.sno = other.sno;
    this.channelSno = other.channelSno;
    this.possibleDuplicate = other.possibleDuplicate;
    this.sentAtMs = other.sentAtMs;
    this.traceparent = other.traceparent;
  }

  /** Exact size of the binary form. */
  encodedSize(): number {
    let size = fixedBytes + varintSize(this.factoryId) + varintSize(this.typeId) + varintSize(this.incarnation);
    size +=
      varintSize(this.flow) + varintSize(Math.abs(this.sno)) + varintSize(this.channelSno) + varintSize(this.sentAtMs);
    if (this.traceparent !== undefined) size += 1 + this.traceparent.length;
    return size;
  }

  /** Writes the binary form and returns the end offset. @throws AEP_METADATA_INVALID when a field is out of its range or the room is too small */
  encodeTo(target: Uint8Array, offset: number): number {
    this.checkRanges();
    const traceparent = this.traceparent;
    let flags = this.possibleDuplicate ? flagPossibleDuplicate : 0;
    if (traceparent !== undefined) flags |= flagTraceparent;
    if (this.sno < 0) flags |= flagNegativeSno;
    const sender = this.senderId;
    target[offset] = this.version;
    target[offset + 1] = this.encoding;
    target[offset + 2] = flags;
    target[offset + 3] = sender;
    target[offset + 4] = sender >>> 8;
    target[offset + 5] = sender >>> 16;
    target[offset + 6] = sender >>> 24;
    let at = writeVarint(target, offset + fixedBytes, this.factoryId);
    at = writeVarint(target, at, this.typeId);
    at = writeVarint(target, at, this.incarnation);
    at = writeVarint(target, at, this.flow);
    at = writeVarint(target, at, this.sno < 0 ? -this.sno : this.sno);
    at = writeVarint(target, at, this.channelSno);
    at = writeVarint(target, at, this.sentAtMs);
    if (traceparent !== undefined) {
      target[at++] = traceparent.length;
      for (let index = 0; index < traceparent.length; index++) target[at++] = traceparent.charCodeAt(index);
    }
    if (at > target.length) refuse('room', `${at - offset} bytes needed, ${target.length - offset} left`);
    return at;
  }

  /** Replaces everything by what `bytes[start, end)` holds; all of the range must be used. @throws AEP_METADATA_INVALID */
  decodeFrom(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < fixedBytes || end > bytes.length)
      refuse('length', `${end - start} bytes, at least ${fixedBytes} expected`);
    this.version = bytes[start]!;
    if (this.version !== 1) refuse('version', `expected 1, got ${this.version}`);
    this.encoding = bytes[start + 1]!;
    const flags = bytes[start + 2]!;
    if ((flags & ~flagsKnown) !== 0) refuse('flags', `unknown flags in ${flags}`);
    this.possibleDuplicate = (flags & flagPossibleDuplicate) !== 0;
    const high = bytes[start + 5]! | (bytes[start + 6]! << 8);
    this.senderId = ((high << 16) | (bytes[start + 4]! << 8) | bytes[start + 3]!) >>> 0;
    this.factoryId = decodeNumber(bytes, start + fixedBytes, end, 'factoryId');
    this.typeId = decodeNumber(bytes, varintEnd(), end, 'typeId');
    this.incarnation = decodeNumber(bytes, varintEnd(), end, 'incarnation');
    this.flow = decodeNumber(bytes, varintEnd(), end, 'flow');
    const sno = decodeNumber(bytes, varintEnd(), end, 'sno');
    this.sno = (flags & flagNegativeSno) !== 0 ? 0 - sno : sno;
    this.channelSno = decodeNumber(bytes, varintEnd(), end, 'channelSno');
    this.sentAtMs = decodeNumber(bytes, varintEnd(), end, 'sentAtMs');
    const at = varintEnd();
    const traced = (flags & flagTraceparent) !== 0;
    this.traceparent = traced ? decodeTraceparent(bytes, at, end) : undefined;
    if (!traced && at !== end) refuse('length', `${end - at} bytes left over`);
  }

  /** The text form for brokers: names in lower case, only what is not 0 (ids and encoding always). */
  toHeaders(): Record<string, string> {
    this.checkRanges();
    const headers: Record<string, string> = {};
    for (const name of numberNames) {
      const value = this[name];
      // An absent encoding is read as protobuf, so 0 has to be said.
      if (value !== 0 || name === 'factoryId' || name === 'typeId' || name === 'encoding')
        headers[headerNames[name]] = String(value);
    }
    if (this.possibleDuplicate) headers[duplicateHeader] = 'true';
    if (this.traceparent !== undefined) headers[traceparentHeader] = this.traceparent;
    return headers;
  }

  /** Replaces everything by what the headers say; other headers are ignored. @throws AEP_METADATA_INVALID naming the header */
  fromHeaders(headers: Readonly<Record<string, string | undefined>>): void {
    this.reset();
    for (const name of numberNames) {
      const text = headers[headerNames[name]];
      if (text === undefined) continue;
      const value = /^-?\d{1,16}$/.test(text) ? Number(text) : NaN;
      if (!Number.isSafeInteger(value)) refuse(headerNames[name], `expected an integer, got "${text.slice(0, 40)}"`);
      this[name] = value;
    }
    const duplicate = headers[duplicateHeader];
    if (duplicate !== undefined && duplicate !== 'true' && duplicate !== 'false') {
      refuse(duplicateHeader, `expected true or false, got "${duplicate.slice(0, 40)}"`);
    }
    this.possibleDuplicate = duplicate === 'true';
    this.traceparent = headers[traceparentHeader];
    if (this.version !== 1) refuse('aep-version', `expected 1, got ${this.version}`);
    this.checkRanges();
  }

  private checkRanges(): void {
    checkRange(this.version, 0xff, 'version');
    checkRange(this.encoding, 0xff, 'encoding');
    checkRange(this.factoryId, u32Max, 'factoryId');
    checkRange(this.typeId, u32Max, 'typeId');
    checkRange(this.senderId, u32Max, 'senderId');
    checkRange(this.incarnation, Number.MAX_SAFE_INTEGER, 'incarnation');
    checkRange(this.flow, Number.MAX_SAFE_INTEGER, 'flow');
    checkRange(Math.abs(this.sno), Number.MAX_SAFE_INTEGER, 'sno');
    checkRange(this.channelSno, Number.MAX_SAFE_INTEGER, 'channelSno');
    checkRange(this.sentAtMs, Number.MAX_SAFE_INTEGER, 'sentAtMs');
    if (this.traceparent !== undefined) checkTraceparent(this.traceparent);
  }
}

function checkRange(value: number, max: number, name: string): void {
  if (!(value >= 0 && value <= max && Number.isInteger(value)))
    refuse(name, `expected an integer in 0..${max}, got ${value}`);
}

function checkTraceparent(text: string): void {
  if (text.length > traceparentBytesMax)
    refuse('traceparent', `${text.length} characters, at most ${traceparentBytesMax} allowed`);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit > 0x7e) refuse('traceparent', `character ${index} is not printable ASCII`);
  }
}

function decodeNumber(bytes: Uint8Array, at: number, end: number, name: string): number {
  const value = readVarint(bytes, at, end);
  if (!(value <= Number.MAX_SAFE_INTEGER)) refuse(name, `cut off or over 2^53 at byte ${at}`);
  return value;
}

function decodeTraceparent(bytes: Uint8Array, at: number, end: number): string {
  if (at >= end) refuse('traceparent', 'cut off');
  const length = bytes[at]!;
  if (length !== end - at - 1) refuse('traceparent', `length ${length}, but ${end - at - 1} bytes left`);
  let text = '';
  for (let index = at + 1; index < end; index++) text += String.fromCharCode(bytes[index]!);
  checkTraceparent(text);
  return text;
}

function refuse(what: string, why: string): never {
  throw new AepError('AEP_METADATA_INVALID', 'reject', `message metadata: ${what}: ${why}`, { field: what });
}
