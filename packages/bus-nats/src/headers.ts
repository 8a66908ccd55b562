import type { MessageMetadata } from '@aep/messages';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
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

/** The header block of a message: its metadata in the text form (`aep-…`), and what JetStream is told. */
export function encodeHead(metadata: MessageMetadata, { id, expectedLastId }: PublishHeaders = {}): Uint8Array {
  let text = `${STATUS_LINE}\r\n`;
  if (id !== undefined) text += `${MESSAGE_ID}: ${id}\r\n`;
  if (expectedLastId !== undefined) text += `${EXPECTED_LAST_ID}: ${expectedLastId}\r\n`;
  const headers = metadata.toHeaders();
  for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
  return encoder.encode(`${text}\r\n`);
}

/**
 * Reads the metadata out of a header block. Names count without regard to case, as clients differ in what they make of them.
 *
 * @returns false when there is none: the message is of a plain NATS client
 * @throws AEP_METADATA_INVALID (reject)
 */
export function decodeHead(head: Uint8Array | undefined, metadata: MessageMetadata): boolean {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  let isOurs = false;
  if (head !== undefined) {
    for (const line of decoder.decode(head).split('\r\n')) {
      const colon = line.indexOf(':');
      if (colon < 1) continue;
      const name = line.slice(0, colon).toLowerCase();
      if (!name.startsWith('aep-') && name !== 'traceparent') continue;
      headers[name] = line.slice(colon + 1).trim();
      isOurs ||= name.startsWith('aep-');
    }
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
