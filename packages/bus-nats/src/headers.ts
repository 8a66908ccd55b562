import type { MessageMetadata } from '@aep/messages';

/** Header values of ours are ASCII, which a latin1 decoder reads at no cost; of others only the metadata counts. */
const decoder = new TextDecoder('latin1');
const STATUS_LINE = 'NATS/1.0';

/** Given to JetStream, which stores no second message of this id within its duplicate window. */
const MESSAGE_ID = 'Nats-Msg-Id';
/** Stored only if the last message of the stream has this id. */
const EXPECTED_LAST_ID = 'Nats-Expected-Last-Msg-Id';

export interface PublishHeaders {
  /** @default none: the message is not deduplicated by the broker */
  readonly id?: string;
  readonly expectedLastId?: string | undefined;
}

/**
 * The header block of a message: its metadata as `MessageMetadata.toHeaders` says them, and what JetStream is told. Written out here because
 * a record for each message would cost more than the rest of a publish.
 */
export function encodeHead(metadata: MessageMetadata, { id, expectedLastId }: PublishHeaders = {}): Uint8Array {
  const { version, encoding, factoryId, typeId, senderId, incarnation, flow, sno, channelSno, sentAtMs } = metadata;
  let text = `${STATUS_LINE}\r\n`;
  if (id !== undefined) text += `${MESSAGE_ID}: ${id}\r\n`;
  if (expectedLastId !== undefined) text += `${EXPECTED_LAST_ID}: ${expectedLastId}\r\n`;
  if (version !== 0) text += `aep-version: ${version}\r\n`;
  text += `aep-encoding: ${encoding}\r\naep-factory-id: ${factoryId}\r\naep-type-id: ${typeId}\r\n`;
  if (senderId !== 0) text += `aep-sender-id: ${senderId}\r\n`;
  if (incarnation !== 0) text += `aep-incarnation: ${incarnation}\r\n`;
  if (flow !== 0) text += `aep-flow: ${flow}\r\n`;
  if (sno !== 0) text += `aep-sno: ${sno}\r\n`;
  if (channelSno !== 0) text += `aep-channel-sno: ${channelSno}\r\n`;
  if (sentAtMs !== 0) text += `aep-sent-at-ms: ${sentAtMs}\r\n`;
  if (metadata.possibleDuplicate) text += 'aep-possible-duplicate: true\r\n';
  if (metadata.traceparent !== undefined) text += `traceparent: ${metadata.traceparent}\r\n`;
  // All of it is ASCII; small buffers come from a pool.
  return Buffer.from(`${text}\r\n`, 'latin1');
}

/**
 * Reads the metadata out of a header block. Names count without regard to case, as clients differ in what they make of them.
 *
 * @returns false when there is none: the message is of a plain NATS client
 * @throws AEP_METADATA_INVALID (reject)
 */
export function decodeHead(head: Uint8Array | undefined, metadata: MessageMetadata): boolean {
  metadata.reset();
  if (head === undefined) return false;
  const text = decoder.decode(head);
  return readOwn(text, metadata) || readAny(text, metadata);
}

/** What {@link encodeHead} wrote, without making anything of it first. @returns false when it holds something else, then nothing counts */
function readOwn(text: string, metadata: MessageMetadata): boolean {
  let isOurs = false;
  let at = text.indexOf('\r\n') + 2;
  while (at < text.length - 2) {
    const end = text.indexOf('\r\n', at);
    const colon = text.indexOf(': ', at);
    if (end < 0 || colon < 0 || colon > end) return false;
    if (text.startsWith('aep-', at)) {
      isOurs = true;
      const value = digits(text, colon + 2, end);
      if (!(value <= U32_MAX) && !(value <= Number.MAX_SAFE_INTEGER && isWide(text.slice(at + 4, colon)))) return false;
      if (!assign(metadata, text.slice(at + 4, colon), value)) return false;
    } else if (!text.startsWith('Nats-', at)) return false;
    at = end + 2;
  }
  return isOurs && metadata.version === 1 && metadata.encoding <= 0xff;
}

const U32_MAX = 0xffff_ffff;
const ZERO = 0x30;

function isWide(name: string): boolean {
  return name !== 'factory-id' && name !== 'type-id' && name !== 'sender-id';
}

function digits(text: string, from: number, end: number): number {
  let value = from === end ? NaN : 0;
  for (let index = from; index < end; index++) {
    const unit = text.charCodeAt(index) - ZERO;
    if (unit < 0 || unit > 9) return NaN;
    value = value * 10 + unit;
  }
  return value;
}

function assign(metadata: MessageMetadata, name: string, value: number): boolean {
  switch (name) {
    case 'version':
      metadata.version = value;
      return true;
    case 'encoding':
      metadata.encoding = value;
      return true;
    case 'factory-id':
      metadata.factoryId = value;
      return true;
    case 'type-id':
      metadata.typeId = value;
      return true;
    case 'sender-id':
      metadata.senderId = value;
      return true;
    case 'incarnation':
      metadata.incarnation = value;
      return true;
    case 'flow':
      metadata.flow = value;
      return true;
    case 'sno':
      metadata.sno = value;
      return true;
    case 'channel-sno':
      metadata.channelSno = value;
      return true;
    case 'sent-at-ms':
      metadata.sentAtMs = value;
      return true;
    default:
      return false;
  }
}

/** Headers in any order and spelling, with whatever else stands between them. */
function readAny(text: string, metadata: MessageMetadata): boolean {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  let isOurs = false;
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const name = line.slice(0, colon).toLowerCase();
    if (!name.startsWith('aep-') && name !== 'traceparent') continue;
    headers[name] = line.slice(colon + 1).trim();
    isOurs ||= name.startsWith('aep-');
  }
  metadata.fromHeaders(headers);
  return isOurs;
}

/** A message of the server itself: 100 idle heartbeat, 404, 408, 409, 503. */
export interface HeadStatus {
  readonly code: number;
  readonly text: string;
}

/** Undefined for a message that somebody published. */
export function statusOf(head: Uint8Array | undefined): HeadStatus | undefined {
  // 'NATS/1.0' is followed by a space only when a status comes.
  if (head === undefined || head[STATUS_LINE.length] !== 0x20) return undefined;
  const [, code = '0', text = ''] = /^NATS\/1\.0 +(\d{3}) ?([^\r\n]*)/.exec(decoder.decode(head)) ?? [];
  return { code: Number(code), text: text.trim() };
}
