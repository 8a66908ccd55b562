import { AepError } from '@aep/kernel';
import type { Outbound } from '@aep/bus';
import type { MessageMetadata } from '@aep/messages';
import { KEY_HEADER } from './selector.js';
import { headerLine } from './stomp/header-text.js';
import type { StompHeaders } from './stomp/stomp-frame.js';

/**
 * Sender id, incarnation, flow, number, number on the channel and time sent, with spaces between them. Each header costs the broker as much
 * as some hundred bytes of body, and nobody but a receiving engine asks for these.
 */
const SEQUENCE_HEADER = 'aep-sequence';
const SEQUENCE = /^(\d{1,10}) (\d{1,16}) (\d{1,16}) (-?\d{1,16}) (\d{1,16}) (\d{1,16})$/;
const SENDER_ID_MAX = 0xffff_ffff;
/** A broker takes lines of 10 KiB; an escaped key may be twice as long, and a character three bytes. */
const KEY_LENGTH_MAX = 1500;

/** The lines of a SEND frame that differ from message to message: key, metadata, length. */
export function messageLines(outbound: Outbound, isResent: boolean): string {
  const { key, metadata, start, end } = outbound;
  const { factoryId, typeId, senderId, incarnation, flow, sno, channelSno, sentAtMs, version, encoding } = metadata;
  let lines = key === '' ? '' : headerLine(KEY_HEADER, key);
  lines += `aep-factory-id:${factoryId}\naep-type-id:${typeId}\n`;
  lines += `${SEQUENCE_HEADER}:${senderId} ${incarnation} ${flow} ${sno} ${channelSno} ${sentAtMs}\n`;
  // These are 1 when they are absent.
  if (version !== 1) lines += `aep-version:${version}\n`;
  if (encoding !== 1) lines += `aep-encoding:${encoding}\n`;
  if (isResent || metadata.possibleDuplicate) lines += 'aep-possible-duplicate:true\n';
  if (metadata.traceparent !== undefined) lines += headerLine('traceparent', metadata.traceparent);
  return `${lines}content-length:${end - start}\n`;
}

/** @throws AEP_STOMP_KEY_INVALID (reject) when the broker cannot take the key */
export function checkKey(outbound: Outbound, bus: string): void {
  const { key, channel } = outbound;
  if (key.length <= KEY_LENGTH_MAX && !key.includes('\0')) return;
  const why =
    key.length > KEY_LENGTH_MAX
      ? `has ${key.length} characters, at most ${KEY_LENGTH_MAX}`
      : 'has a zero in it, which not';
  throw new AepError('AEP_STOMP_KEY_INVALID', 'reject', `channel ${channel.name}@${bus}: the key ${why} can be sent`, {
    bus,
    channel: channel.name,
    length: key.length,
  });
}

/**
 * Reads the metadata of a received message: from `aep-sequence`, or from the headers that `MessageMetadata` has for each. A message of
 * somebody else has none: it is unsequenced then and has no type, and one whose metadata cannot be read is treated alike, so that the engine
 * puts it where it puts what it cannot handle (E16).
 *
 * @returns why the metadata could not be read
 */
export function readMetadata(headers: StompHeaders, metadata: MessageMetadata): AepError | undefined {
  let problem: AepError | undefined;
  try {
    metadata.fromHeaders(headers);
    readSequence(headers[SEQUENCE_HEADER], metadata);
  } catch (error) {
    if (!(error instanceof AepError)) throw error;
    problem = error;
    metadata.reset();
  }
  if (headers['redelivered'] === 'true') metadata.possibleDuplicate = true;
  return problem;
}

function readSequence(text: string | undefined, metadata: MessageMetadata): void {
  if (text === undefined) return;
  const [, ...numbers] = SEQUENCE.exec(text)?.map(Number) ?? [];
  const [senderId = NaN, incarnation = 0, flow = 0, sno = 0, channelSno = 0, sentAtMs = 0] = numbers;
  if (!(senderId <= SENDER_ID_MAX) || !numbers.every(Number.isSafeInteger)) {
    const why = `expected six whole numbers with spaces between them, got "${text.slice(0, 80)}"`;
    throw new AepError('AEP_METADATA_INVALID', 'reject', `message metadata: ${SEQUENCE_HEADER}: ${why}`);
  }
  metadata.senderId = senderId;
  metadata.incarnation = incarnation;
  metadata.flow = flow;
  metadata.sno = sno;
  metadata.channelSno = channelSno;
  metadata.sentAtMs = sentAtMs;
}
