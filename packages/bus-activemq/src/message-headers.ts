import { AepError } from '@aep/kernel';
import type { Outbound } from '@aep/bus';
import type { MessageMetadata } from '@aep/messages';
import { KEY_HEADER } from './selector.js';
import { headerLine } from './stomp/header-text.js';
import type { StompHeaders } from './stomp/stomp-frame.js';

/** A broker takes lines of 10 KiB; an escaped key may be twice as long, and a character three bytes. */
const KEY_LENGTH_MAX = 1500;

/** The lines of a SEND frame that differ from message to message: key, metadata, length. */
export function messageLines(outbound: Outbound, isResent: boolean): string {
  const { key, metadata, start, end } = outbound;
  let lines = key === '' ? '' : headerLine(KEY_HEADER, key);
  const headers = metadata.toHeaders();
  for (const name in headers) {
    const value = headers[name]!;
    // Each header costs the broker, and these are 1 when they are absent.
    if (value === '1' && (name === 'aep-version' || name === 'aep-encoding')) continue;
    // Names are letters and "-", values digits, except for the trace context, which is printable ASCII.
    lines += name === 'traceparent' ? headerLine(name, value) : `${name}:${value}\n`;
  }
  if (isResent && !metadata.possibleDuplicate) lines += 'aep-possible-duplicate:true\n';
  return `${lines}content-length:${end - start}\n`;
}

/** @throws AEP_STOMP_KEY_INVALID (reject) when the broker cannot take the key */
export function checkKey(outbound: Outbound, bus: string): void {
  const { key, channel } = outbound;
  if (key.length <= KEY_LENGTH_MAX && !key.includes('\0')) return;
  const why =
    key.length > KEY_LENGTH_MAX ? `has ${key.length} characters, at most ${KEY_LENGTH_MAX}` : 'has a zero in it, which';
  throw new AepError('AEP_STOMP_KEY_INVALID', 'reject', `channel ${channel.name}@${bus}: the key ${why} can be sent`, {
    bus,
    channel: channel.name,
    length: key.length,
  });
}

/**
 * Reads the metadata of a received message. A message of somebody else has none: it is unsequenced then and has no type, and one whose
 * metadata cannot be read is treated alike, so that the engine puts it where it puts what it cannot handle (E16).
 *
 * @returns why the metadata could not be read
 */
export function readMetadata(headers: StompHeaders, metadata: MessageMetadata): AepError | undefined {
  let problem: AepError | undefined;
  try {
    metadata.fromHeaders(headers);
  } catch (error) {
    if (!(error instanceof AepError)) throw error;
    problem = error;
    metadata.reset();
  }
  if (headers['redelivered'] === 'true') metadata.possibleDuplicate = true;
  return problem;
}
