import { AepError } from '@aep/kernel';
import type { Outbound } from '@aep/bus';
import type { MessageMetadata } from '@aep/messages';
import { KEY_HEADER } from './selector.js';
import { headerLine } from './stomp/header-text.js';
import type { StompHeaders } from './stomp/stomp-frame.js';

/**
 * Factory id, type id, sender id, incarnation, flow, number, number on the channel and time sent, with spaces between them. Each header costs
 * the broker as much as some hundred bytes of body: three headers instead of this one were a tenth of what it can carry.
 */
const METADATA_HEADER = 'aep-metadata';
const ID_MAX = 0xffff_ffff;
/** A broker takes lines of 10 KiB; an escaped key may be twice as long, and a character three bytes. */
const KEY_LENGTH_MAX = 1500;

/** The lines of a SEND frame that differ from message to message: key, metadata, length. */
export function messageLines(outbound: Outbound, isResent: boolean): string {
  const { key, metadata, start, end } = outbound;
  const { factoryId, typeId, senderId, incarnation, flow, sno, channelSno, sentAtMs, version, encoding } = metadata;
  let lines = key === '' ? '' : headerLine(KEY_HEADER, key);
  lines += `${METADATA_HEADER}:${factoryId} ${typeId} ${senderId} ${incarnation} ${flow} ${sno} ${channelSno} ${sentAtMs}\n`;
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
 * Reads the metadata of a received message: from `aep-metadata`, or from the headers that `MessageMetadata` has for each. A message of
 * somebody else has none: it is unsequenced then and has no type, and one whose metadata cannot be read is treated alike, so that the engine
 * puts it where it puts what it cannot handle (E16).
 *
 * @returns why the metadata could not be read
 */
export function readMetadata(headers: StompHeaders, metadata: MessageMetadata): AepError | undefined {
  let problem: AepError | undefined;
  try {
    metadata.fromHeaders(headers);
    readNumbers(headers[METADATA_HEADER], metadata);
  } catch (error) {
    if (!(error instanceof AepError)) throw error;
    problem = error;
    metadata.reset();
  }
  if (headers['redelivered'] === 'true') metadata.possibleDuplicate = true;
  return problem;
}

function readNumbers(text: string | undefined, metadata: MessageMetadata): void {
  if (text === undefined) return;
  numbers.read(text);
  metadata.factoryId = numbers.next(ID_MAX);
  metadata.typeId = numbers.next(ID_MAX);
  metadata.senderId = numbers.next(ID_MAX);
  metadata.incarnation = numbers.next();
  metadata.flow = numbers.next();
  metadata.sno = numbers.nextSigned();
  metadata.channelSno = numbers.next();
  metadata.sentAtMs = numbers.next();
  numbers.end();
}

/** Whole numbers with one space between them. One of them reads all texts, and nothing is made for each. */
class NumberList {
  private text = '';
  private at = 0;

  read(text: string): void {
    this.text = text;
    this.at = 0;
  }

  /** @throws AEP_METADATA_INVALID when there is none, or a greater one */
  next(max = Number.MAX_SAFE_INTEGER): number {
    const { text } = this;
    let value = 0;
    const from = this.at;
    let at = from;
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === from || value > max) this.refuse();
    if (at < text.length && text.charCodeAt(at++) !== SPACE) this.refuse();
    this.at = at;
    return value;
  }

  nextSigned(): number {
    if (this.text.charCodeAt(this.at) !== MINUS) return this.next();
    this.at++;
    return -this.next();
  }

  /** Nothing may follow, a space neither. */
  end(): void {
    if (this.at !== this.text.length || this.text.charCodeAt(this.at - 1) === SPACE) this.refuse();
  }

  private refuse(): never {
    const why = `expected eight whole numbers with spaces between them, got "${this.text.slice(0, 80)}"`;
    throw new AepError('AEP_METADATA_INVALID', 'reject', `message metadata: ${METADATA_HEADER}: ${why}`);
  }
}

const numbers = new NumberList();
const ZERO = 48;
const SPACE = 32;
const MINUS = 45;
