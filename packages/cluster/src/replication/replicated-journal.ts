import { AepError, assert, type Clock } from '@aep/kernel';
import type {
  AppendResult,
  Durability,
  Journal,
  JournalListener,
  RecordHash,
  RecordRun,
  StoreBase,
  StoredRecord,
} from '@aep/store';
import { issueStable, offsetInRun, recordsOf } from '@aep/store/internal';
import type { RecentRecords } from './recent-records.js';

export interface ReplicatedJournalParts {
  readonly local: Journal;
  readonly trim: (beforeTxId: number) => void;
  readonly recent: RecentRecords;
  readonly clock: Clock;
  /** What is stable in the group. */
  readonly markTxId: () => number;
  /** Records before this one may be given up as far as the followers are concerned. */
  readonly neededFromTxId: () => number;
  /** The engine's turn is over: what it has appended may go to the followers. */
  readonly onCommit: () => void;
}

/**
 * The journal of a group's primary as its engine sees it (H10): the local one, but a record is stable only when the group has
 * it. The engine knows nothing of the others; it waits for the mark as it waits for a disk.
 *
 * ```
 * append ─> local journal ─ sync ─────────> durable here ─┐
 *       └─> recent records ─> followers ─> acknowledged ──┴─> mark ─> onStable
 * ```
 */
export class ReplicatedJournal implements Journal {
  readonly durability: Durability = 'replicated';
  protected listener: JournalListener | undefined;
  protected ending: AepError | undefined;

  constructor(protected readonly parts: ReplicatedJournalParts) {}

  get stableTxId(): number {
    return this.parts.markTxId();
  }

  get lastTxId(): number {
    return this.parts.local.lastTxId;
  }

  get lastHash(): RecordHash {
    return this.parts.local.lastHash;
  }

  get lastEpoch(): number {
    return this.parts.local.lastEpoch;
  }

  get base(): StoreBase {
    return this.parts.local.base;
  }

  get firstTxId(): number {
    return this.parts.local.firstTxId;
  }

  get confirmedTxId(): number {
    return this.parts.local.confirmedTxId;
  }

  get appended(): { readonly bytes: Uint8Array; readonly start: number } {
    return this.parts.local.appended;
  }

  listen(listener: JournalListener): void {
    assert(this.listener === undefined, 'a journal has one listener');
    this.listener = listener;
    const { ending } = this;
    // The group may have got another primary while the engine was still being put together.
    if (ending !== undefined) this.parts.clock.defer(() => listener.onFailure(ending));
  }

  get room(): { readonly bytes: Uint8Array; readonly start: number } {
    return this.parts.local.room;
  }

  append(bytes: Uint8Array, length: number, start = 0): AppendResult {
    if (this.ending !== undefined) return 'closed';
    const { local, recent } = this.parts;
    const result = local.append(bytes, length, start);
    if (result === 'accepted') recent.add(local.lastTxId, local.appended.bytes, local.appended.start, length);
    return result;
  }

  commit(): void {
    if (this.ending !== undefined) return;
    this.parts.local.commit();
    this.parts.onCommit();
  }

  setConfirmed(txId: number): void {
    if (this.ending === undefined) this.parts.local.setConfirmed(txId);
  }

  read(fromTxId: number): IterableIterator<StoredRecord> {
    return recordsOf(this.readRuns(fromTxId), fromTxId);
  }

  /** What is durable here and not stable in the group is nobody's business yet: a change reader must not see what may be cut. */
  *readRuns(fromTxId: number): IterableIterator<RecordRun> {
    if (fromTxId > this.stableTxId) return;
    for (const run of this.parts.local.readRuns(fromTxId)) {
      const upToTxId = this.stableTxId;
      if (run.firstTxId > upToTxId) return;
      const end = endWithin(run, upToTxId);
      yield end === run.end ? run : { ...run, end };
      if (end < run.end) return;
    }
  }

  trim(beforeTxId: number): void {
    if (this.ending === undefined) this.parts.trim(Math.min(beforeTxId, this.parts.neededFromTxId()));
  }

  cut(): void {
    assert(false, 'the journal of a primary is never cut (H5)');
  }

  /** The group has the records up to here. From the event loop. */
  stable(txId: number): void {
    if (this.ending === undefined) this.listener?.onStable(issueStable(txId));
  }

  /**
   * This member is not the primary any more, or its disk has failed: no further mark comes, nothing is taken, and the engine
   * hears of it as of a failed disk, so that it releases and acknowledges nothing (E34, H2). Once.
   */
  end(cause: AepError): void {
    if (this.ending !== undefined) return;
    this.ending = cause;
    this.listener?.onFailure(cause);
  }

  /** Its engine has ended: whatever still holds it changes nothing any more, and hears nothing. */
  retire(): void {
    this.ending ??= new AepError('AEP_CLUSTER_STOPPED', 'retry', 'the engine of this journal has ended');
  }
}

function endWithin(run: RecordRun, upToTxId: number): number {
  const view = new DataView(run.bytes.buffer, run.bytes.byteOffset);
  let txId = run.firstTxId;
  let at = run.start;
  for (; at < run.end && txId <= upToTxId; txId++) at += view.getUint32(at, true);
  return at < run.end ? offsetInRun(run, upToTxId + 1) : run.end;
}
