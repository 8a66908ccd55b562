import { toJsonLine } from '../output/json.js';
import { type Column, oneLine } from '../output/table.js';
import type { ChangeJson, MessageJson, RecordJson } from './record-json.js';

export const RECORD_COLUMNS: readonly Column[] = [
  { title: 'TX', align: 'right' },
  { title: 'TIME' },
  { title: 'CAUSE' },
  { title: 'CHANGES' },
  { title: 'SENT' },
];

/** A record as one row: what came, what changed, what went. */
export function recordRow(record: RecordJson): string[] {
  return [String(record.txId), record.time, causeText(record), changesText(record), sentText(record)];
}

/** A record as one line of a stream, where columns cannot be lined up with what is still to come. */
export function recordLine(record: RecordJson): string {
  const [txId, time, ...rest] = recordRow(record);
  return oneLine(`${txId!.padStart(8)}  ${time}  ${rest.filter((part) => part !== '').join(' | ')}`);
}

/** All of a record, over many lines. */
export function recordText(record: RecordJson): string {
  const { txId, epoch, kind, flags, time, byteCount, hash, previousHash } = record;
  const lines = [
    `record ${txId}  ${kind}${flags.length === 0 ? '' : ` (${flags.join(', ')})`}`,
    `  time      ${time}`,
    `  epoch     ${epoch}`,
    `  bytes     ${byteCount}`,
    `  hash      ${hash}, after ${previousHash}`,
    `  cause     ${causeText(record)}`,
  ];
  if (record.message !== null) lines.push(`  message   ${messageText(record.message)}`);
  for (const change of record.changes) lines.push(`  ${change.change.padEnd(9)} ${changeText(change)}`);
  for (const { bus, channel, sno, flow, channelSno, message } of record.outbound) {
    lines.push(
      `  sent      ${channel}@${bus} sno ${sno}, flow ${flow}, channel sno ${channelSno}`,
      `            ${messageText(message)}`,
    );
  }
  return lines.map(oneLine).join('\n');
}

export function messageText({ type, key, content, hex, problem }: MessageJson): string {
  const shown = content === undefined ? `0x${hex ?? ''}` : toJsonLine(content);
  return `${type}${key === '' ? '' : ` [${key}]`} ${shown}${problem === undefined ? '' : ` (${problem})`}`;
}

function changeText({ collection, key, keyHex, value, valueHex, problem }: ChangeJson): string {
  const shownKey = key === undefined ? (keyHex === undefined ? '' : ` 0x${keyHex}`) : ` ${String(key)}`;
  const shownValue = value !== undefined ? ` = ${toJsonLine(value)}` : valueHex !== undefined ? ` = 0x${valueHex}` : '';
  return `${collection}${shownKey}${shownValue}${problem === undefined ? '' : ` (${problem})`}`;
}

function causeText({ cause, kind, message }: RecordJson): string {
  if (cause === null) return kind;
  if ('channel' in cause) {
    const type = message === null ? '' : ` ${message.type}`;
    return `${cause.channel}@${cause.bus} sno ${cause.sno}${type}`;
  }
  return cause.label === '' ? cause.kind : `${cause.kind} ${cause.label}`;
}

/** The kept sizes of collections change with every new entry, so they are not worth a row's place. */
function changesText({ changes, flags }: RecordJson): string {
  const shown = changes.filter(({ collection }) => collection !== 'collectionSizes' && !collection.endsWith('.bounds'));
  const names = shown.map(({ change, collection, key, keyHex }) => {
    const name =
      key === undefined && keyHex === undefined ? collection : `${collection}/${String(key ?? `0x${keyHex!}`)}`;
    return change === 'delete' ? `-${name}` : name;
  });
  const rest = names.length > SHOWN_MAX ? ` +${names.length - SHOWN_MAX}` : '';
  const mark = flags.includes('quarantined') ? 'QUARANTINED ' : '';
  return `${mark}${names.slice(0, SHOWN_MAX).join(' ')}${rest}`;
}

function sentText({ outbound }: RecordJson): string {
  const names = outbound.map(({ channel, bus, message }) => `${message.type}>${channel}@${bus}`);
  const rest = names.length > SHOWN_MAX ? ` +${names.length - SHOWN_MAX}` : '';
  return `${names.slice(0, SHOWN_MAX).join(' ')}${rest}`;
}

const SHOWN_MAX = 3;
