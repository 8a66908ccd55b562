import { type AepError, assert } from '@aep/kernel';
import { ChangeMap } from './change-map.js';
import { foldRecord } from './fold.js';
import { RecordReader } from './record-reader.js';
import type { ApplyResult, BackgroundFold, StateTables } from './store.js';

/** Told when an apply has ended, with the number of entries that it wrote. */
export type BacklogApplied = (error: AepError | undefined, entries: number) => void;

/** What the journal has and the tables have not: how it waits, and how it gets there. One apply at a time. */
export interface Backlog {
  /** The newest stable record. */
  readonly stableTxId: number;
  /** Stable and not part of an apply: changed keys, or records where nobody looks at keys before the apply. */
  readonly waiting: number;
  /** Journal bytes of {@link waiting}, give or take those of a commit: for thresholds. Whether anything waits, txIds say. */
  readonly waitingBytes: number;
  /** Journal bytes that no ended apply covers. */
  readonly lagBytes: number;
  /** How much may wait, in units of {@link waiting}, per changed key that a checkpoint is meant to have. */
  readonly scale: number;
  /** The next record, `bytes[start, start + length)`: those bytes never change. */
  append(txId: number, bytes: Uint8Array, start: number, length: number): void;
  onStable(txId: number): void;
  /** Brings the tables to {@link stableTxId}. The callback comes from the event loop. */
  apply(done: BacklogApplied): ApplyResult;
}

/**
 * Folds each record on the event loop when it is stable, from the bytes in memory; an apply hands over the coalesced changes.
 *
 * ```
 * append()   -> queue of byte runs      (not yet stable: must not reach the tables)
 * onStable() -> fold into `changes`     (no copies: entries point into the journal's bytes)
 * apply()    -> tables.apply(changes)   (a second map collects meanwhile)
 * ```
 */
export class FoldedBacklog implements Backlog {
  readonly scale = 1;
  stableTxId: number;
  waitingBytes = 0;
  private readonly reader = new RecordReader();
  private readonly runs: AppendedRun[] = [];
  private changes = new ChangeMap();
  /** Takes turns with `changes`: its storage has grown to what a checkpoint needs. */
  private spare: ChangeMap | undefined;
  private queuedBytes = 0;
  private applyingBytes = 0;

  /** @param keptEntriesMax storage for more changes than this is given back after the apply */
  constructor(
    private readonly tables: StateTables,
    private readonly keptEntriesMax: number,
  ) {
    this.stableTxId = tables.appliedTxId;
  }

  get waiting(): number {
    return this.changes.size;
  }

  get lagBytes(): number {
    return this.queuedBytes + this.waitingBytes + this.applyingBytes;
  }

  append(txId: number, bytes: Uint8Array, start: number, length: number): void {
    this.queuedBytes += length;
    const last = this.runs[this.runs.length - 1];
    if (last !== undefined && last.bytes === bytes && last.end === start) {
      last.end = start + length;
      last.lastTxId = txId;
      return;
    }
    this.runs.push({ bytes, start, end: start + length, firstTxId: txId, lastTxId: txId });
  }

  onStable(txId: number): void {
    let done = 0;
    for (const run of this.runs) {
      if (run.firstTxId > txId) break;
      this.foldRun(run, txId);
      if (run.firstTxId <= run.lastTxId) break;
      done++;
    }
    if (done > 0) this.runs.splice(0, done);
  }

  apply(done: BacklogApplied): ApplyResult {
    const { changes } = this;
    const result = this.tables.apply(changes, this.stableTxId, (error) => {
      const { size } = changes;
      this.applyingBytes = 0;
      if (size <= this.keptEntriesMax) {
        changes.clear();
        this.spare = changes;
      }
      done(error, size);
    });
    if (result === 'busy') return result;
    this.applyingBytes = this.waitingBytes;
    this.waitingBytes = 0;
    this.changes = this.spare ?? new ChangeMap();
    this.spare = undefined;
    return result;
  }

  private foldRun(run: AppendedRun, stableTxId: number): void {
    const { reader } = this;
    const last = Math.min(run.lastTxId, stableTxId);
    const from = run.start;
    let at = run.start;
    for (let txId = run.firstTxId; txId <= last; txId++) {
      at = reader.openTrusted(run.bytes, at);
      assert(reader.txId === txId, 'the bytes of a record stay as they were appended');
      foldRecord(reader, this.changes);
    }
    run.start = at;
    run.firstTxId = last + 1;
    this.stableTxId = last;
    this.waitingBytes += at - from;
    this.queuedBytes -= at - from;
  }
}

/**
 * Only counts: the tables fold the journal's own records on a thread of theirs ({@link BackgroundFold}). Nothing is held in
 * memory meanwhile, so an apply may cover more records, and keys that change again and again are written less often.
 */
export class JournalBacklog implements Backlog {
  readonly scale = 4;
  stableTxId: number;
  private coveredTxId: number;
  private appendedBytes: number;
  /** Of `appendedBytes`: what ended applies cover, and what the one under way covers. */
  private appliedBytes = 0;
  private coveredBytes = 0;

  /** @param before whose records, up to its stable one at least, are all in the journal and not part of an apply */
  constructor(
    private readonly fold: BackgroundFold,
    before: Backlog,
    appliedTxId: number,
  ) {
    this.stableTxId = before.stableTxId;
    this.coveredTxId = appliedTxId;
    this.appendedBytes = before.lagBytes;
  }

  get waiting(): number {
    return this.stableTxId - this.coveredTxId;
  }

  /** What was appended since the last apply began, stable or not: the difference is what one commit holds. */
  get waitingBytes(): number {
    return this.appendedBytes - this.coveredBytes;
  }

  get lagBytes(): number {
    return this.appendedBytes - this.appliedBytes;
  }

  append(_txId: number, _bytes: Uint8Array, _start: number, length: number): void {
    this.appendedBytes += length;
  }

  onStable(txId: number): void {
    if (txId > this.stableTxId) this.stableTxId = txId;
  }

  apply(done: BacklogApplied): ApplyResult {
    const result = this.fold.fold(this.stableTxId, (error, entries) => {
      this.appliedBytes = this.coveredBytes;
      done(error, entries);
    });
    if (result === 'busy') return result;
    this.coveredTxId = this.stableTxId;
    this.coveredBytes = this.appendedBytes;
    return result;
  }
}

/** Bytes of consecutive records that have been appended and not yet folded. */
interface AppendedRun {
  readonly bytes: Uint8Array;
  start: number;
  end: number;
  firstTxId: number;
  lastTxId: number;
}
