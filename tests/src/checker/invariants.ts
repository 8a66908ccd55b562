import type { EngineImage } from './engine-image.js';
import { foldRecords } from './fold.js';
import type { JournalRecord, RecordCause, RecordOutbound } from './journal-record.js';

/** The names of H32, as far as one member can break them. */
export type Invariant =
  | 'NoLostInput'
  | 'EffectOnce'
  | 'SenderOrder'
  | 'StableBeforeRelease'
  | 'OutboundOnce'
  | 'Atomicity'
  | 'FoldEquality'
  | 'CommittedPrefix'
  | 'FailStop'
  | 'Liveness';

export interface Violation {
  readonly invariant: Invariant;
  readonly engine: string;
  readonly detail: string;
}

/** Who sends on a channel and who must get all of it. */
export interface Route {
  readonly channel: string;
  readonly sender: string;
  readonly receiver: string;
}

/** Of one kind per engine enough to see what is wrong. */
const LISTED_MAX = 5;
/** Checks that need one engine only; they hold at every moment, so after every crash. */
export function checkEngine(image: EngineImage): Violation[] {
  const found = new Findings(image.engine);
  checkPrefix(image, found);
  checkNumbers(image, found);
  checkCauses(image, found);
  checkFold(image, found);
  return found.violations;
}

/**
 * Checks between engines. Always: what was received is in its sender's journal, what was confirmed is in its receiver's.
 * `isComplete`: nothing is under way any more, so everything sent has arrived. The sender's image must not be older than
 * the receiver's for the first, nor younger for the second: both are read while nobody writes.
 */
export function checkRoute(route: Route, images: ReadonlyMap<string, EngineImage>, isComplete: boolean): Violation[] {
  const sender = images.get(route.sender)!;
  const receiver = images.get(route.receiver)!;
  const found = new Findings(receiver.engine);
  const received = new Map<string, RecordCause>();
  for (const { txId, cause } of receiver.records) {
    if (cause === undefined || cause.tag.channel !== route.channel) continue;
    if (cause.incarnation !== sender.incarnation)
      found.add('StableBeforeRelease', `record ${txId} names incarnation ${cause.incarnation} of ${sender.engine}`);
    received.set(messageName(cause), cause);
  }
  const sent = new Map<string, RecordOutbound>();
  const receivedFrom = oldestOf(receiver, received.values());
  for (const { txId, outbound } of sender.records) {
    for (const message of outbound) {
      if (message.tag.channel !== route.channel) continue;
      const name = messageName(message);
      sent.set(name, message);
      const isConfirmed = txId <= sender.confirmedTxId;
      if ((!isConfirmed && !isComplete) || message.channelSno < receivedFrom || received.has(name)) continue;
      const why = isConfirmed ? 'it counts as confirmed' : 'everything has come to rest';
      found.add('NoLostInput', `message ${name} of record ${txId} of ${sender.engine} is not there, and ${why}`);
    }
  }
  const sentFrom = oldestOf(sender, sent.values());
  for (const [name, { channelSno }] of received) {
    if (channelSno >= sentFrom && !sent.has(name))
      found.add('StableBeforeRelease', `message ${name} came, and ${sender.engine} has no such record`);
  }
  return found.violations;
}

/** A journal that has been trimmed says nothing of messages before this number of their channel. */
function oldestOf(image: EngineImage, messages: Iterable<{ readonly channelSno: number }>): number {
  if (isWhole(image)) return 0;
  for (const { channelSno } of messages) return channelSno;
  return Infinity;
}

/** Nothing has been trimmed away, so the journal can be folded from nothing. */
export function isWhole({ records }: EngineImage): boolean {
  return records.length === 0 || records[0]!.txId === 1;
}

/** Numbering, checksums and the chain of hashes; nothing in the tables, and no confirmation, is ahead of the journal. */
function checkPrefix({ records, damage, appliedTxId, confirmedTxId }: EngineImage, found: Findings): void {
  if (damage !== undefined) found.add('CommittedPrefix', `the journal cannot be read: ${damage}`);
  let previous: JournalRecord | undefined;
  for (const record of records) {
    const { txId, hash, computedHash, previousHash, epoch } = record;
    if (hash !== computedHash) found.add('CommittedPrefix', `record ${txId} has another checksum than it says`);
    if (previous === undefined) {
      if (txId === 1 && previousHash !== '0000000000000000')
        found.add('CommittedPrefix', 'record 1 continues something');
    } else {
      if (txId !== previous.txId + 1) found.add('CommittedPrefix', `record ${txId} follows record ${previous.txId}`);
      if (previousHash !== previous.hash) found.add('CommittedPrefix', `record ${txId} breaks the chain`);
      if (epoch < previous.epoch) found.add('CommittedPrefix', `record ${txId} has a lower epoch than the one before`);
    }
    previous = record;
  }
  const lastTxId = previous?.txId ?? 0;
  if (appliedTxId > lastTxId)
    found.add('CommittedPrefix', `the tables hold record ${appliedTxId}, the journal ends at ${lastTxId}`);
  if (confirmedTxId > lastTxId)
    found.add('CommittedPrefix', `record ${confirmedTxId} is confirmed, the journal ends at ${lastTxId}`);
}

/** Numbers of sends: 1, 2, 3 … per flow and per channel, none twice, none left out. */
function checkNumbers(image: EngineImage, found: Findings): void {
  const { records } = image;
  const last = new Map<string, number>();
  const follow = (series: string, number: number, txId: number): void => {
    const before = last.get(series) ?? (isWhole(image) ? 0 : number - 1);
    if (number !== before + 1) found.add('OutboundOnce', `record ${txId}: ${series} goes from ${before} to ${number}`);
    last.set(series, number);
  };
  for (const { txId, outbound } of records) {
    for (const { tag, flow, sno, channelSno } of outbound) {
      if (sno > 0) follow(`flow ${flow}`, sno, txId);
      follow(`channel ${tag.channel}, flow ${flow}`, channelSno, txId);
    }
  }
}

/** Inbound messages: each the cause of one record at most, in the order of their sender. */
function checkCauses({ records }: EngineImage, found: Findings): void {
  const seen = new Set<string>();
  const last = new Map<string, number>();
  for (const { txId, cause } of records) {
    if (cause === undefined || cause.sno <= 0) continue;
    const stream = `${cause.tag.bus}/${cause.tag.channel}/${cause.senderId}/${cause.incarnation}/${cause.flow}`;
    const name = `${stream}/${cause.sno}`;
    if (seen.has(name)) found.add('EffectOnce', `record ${txId}: message ${name} has had its effect before`);
    else if (cause.sno < (last.get(stream) ?? 0)) found.add('SenderOrder', `record ${txId}: ${name} comes too late`);
    seen.add(name);
    last.set(stream, Math.max(cause.sno, last.get(stream) ?? 0));
  }
}

function checkFold(image: EngineImage, found: Findings): void {
  if (!isWhole(image)) return;
  const { records, tables, appliedTxId } = image;
  const folded = foldRecords(records, appliedTxId);
  for (const [name, value] of folded) {
    if (tables.get(name) !== value)
      found.add('FoldEquality', `entry ${name} is ${tables.get(name)}, should be ${value}`);
  }
  for (const name of tables.keys())
    if (!folded.has(name)) found.add('FoldEquality', `entry ${name} should not be there`);
}

function messageName({ tag, flow, sno }: RecordCause | RecordOutbound): string {
  return `${tag.channel} ${flow}:${sno}`;
}

/** Collects violations; of each kind the first few, and a count of the others. */
export class Findings {
  private readonly counts = new Map<Invariant, number>();
  private readonly listed: Violation[] = [];

  constructor(private readonly engine: string) {}

  add(invariant: Invariant, detail: string): void {
    const count = (this.counts.get(invariant) ?? 0) + 1;
    this.counts.set(invariant, count);
    if (count <= LISTED_MAX) this.listed.push({ invariant, engine: this.engine, detail });
  }

  get violations(): Violation[] {
    const more = [...this.counts].filter(([, count]) => count > LISTED_MAX);
    const rest = more.map(([invariant, count]): Violation => {
      return { invariant, engine: this.engine, detail: `… and ${count - LISTED_MAX} more` };
    });
    return [...this.listed, ...rest];
  }
}

export function describeViolations(violations: readonly Violation[]): string {
  return violations.map(({ invariant, engine, detail }) => `${invariant}: ${engine}: ${detail}`).join('\n');
}
