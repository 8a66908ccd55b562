import { type AepError, assert, type Clock, type Facts, Histogram, type TimerHandle } from '@aep/kernel';
import { ChangeMap } from './change-map.js';
import { foldRecord } from './fold.js';
import { within } from './journal-options.js';
import { RecordReader } from './record-reader.js';
import type { Stable } from './stable.js';
import type { StateTables } from './store.js';

/** When a checkpoint is taken; whichever comes first. */
export interface CheckpointOptions {
  /** Changed keys; a checkpoint of 8192 holds the event loop for some 10 ms. @default 8192 */
  readonly entriesMax?: number;
  /** Journal bytes folded since the last checkpoint; they stay in memory until it is durable. @default 32 MiB */
  readonly bytesMax?: number;
  /** Age of the oldest change. @default 1000 ms */
  readonly intervalMs?: number;
  /** Journal bytes appended and not yet in the tables: from here on {@link Checkpointer.isBehind}. @default 256 MiB */
  readonly behindBytesMax?: number;
  /** Changed keys that wait while a checkpoint is under way: from here on {@link Checkpointer.isBehind}. @default 262144 */
  readonly behindEntriesMax?: number;
}

export interface CheckpointListener {
  /** The tables hold everything up to `txId`, durably. From the event loop. */
  onApplied(txId: number): void;
  /** A write failed: fatal for the member (H22). Called once. */
  onFailure(error: AepError): void;
}

/**
 * Brings the tables behind the journal (E35): takes every record as it is appended, folds it when it is stable, and
 * applies the coalesced changes in one go when enough has come together. One apply is under way at a time.
 *
 * ```
 * append()  -> queue of byte runs        (not yet stable: must not reach the tables)
 * onStable()-> fold into `changes`       (no copies: entries point into the journal's bytes)
 * threshold -> tables.apply(changes)     (a second map collects meanwhile)
 *           -> onApplied(txId)
 * ```
 */
export class Checkpointer {
  appliedTxId: number;
  private readonly limits: Readonly<Required<CheckpointOptions>>;
  private readonly reader = new RecordReader();
  private readonly runs: AppendedRun[] = [];
  private nextTxId: number;
  private changes = new ChangeMap();
  /** Takes turns with `changes`: its storage has grown to what a checkpoint needs. */
  private spare: ChangeMap | undefined;
  private foldedBytes = 0;
  private foldedTxId: number;
  private queuedBytes = 0;
  private applying: { readonly changes: ChangeMap; readonly bytes: number; readonly startedMs: number } | undefined;
  private timer: TimerHandle | undefined;
  private isFailed = false;
  private flushDone: (() => void)[] = [];
  private checkpoints = 0;
  private readonly applyMs = new Histogram();
  private entriesApplied = 0;
  private recordsFolded = 0;

  /** @param tables hold everything up to their `appliedTxId`; the first record to come is the one after it */
  constructor(
    private readonly tables: StateTables,
    private readonly clock: Clock,
    private readonly listener: CheckpointListener,
    options: CheckpointOptions = {},
  ) {
    this.limits = concludeCheckpointOptions(options);
    this.appliedTxId = tables.appliedTxId;
    this.foldedTxId = tables.appliedTxId;
    this.nextTxId = tables.appliedTxId + 1;
  }

  /** True when the tables lag so far that the engine should take less in, until {@link CheckpointListener.onApplied}. */
  get isBehind(): boolean {
    const { behindBytesMax, behindEntriesMax } = this.limits;
    const bytes = this.queuedBytes + this.foldedBytes + (this.applying?.bytes ?? 0);
    return bytes >= behindBytesMax || this.changes.size >= behindEntriesMax;
  }

  /** The next record, `bytes[start, start + length)`, as the journal keeps it: those bytes must never change. */
  append(txId: number, bytes: Uint8Array, start: number, length: number): void {
    assert(txId === this.nextTxId, 'the checkpointer gets every record once, in order');
    this.nextTxId = txId + 1;
    this.queuedBytes += length;
    const last = this.runs[this.runs.length - 1];
    if (last !== undefined && last.bytes === bytes && last.end === start) {
      last.end = start + length;
      last.lastTxId = txId;
      return;
    }
    this.runs.push({ bytes, start, end: start + length, firstTxId: txId, lastTxId: txId });
  }

  /** Folds what has become stable; takes a checkpoint when a threshold is reached. */
  onStable(mark: Stable): void {
    let done = 0;
    for (const run of this.runs) {
      if (run.firstTxId > mark.txId) break;
      this.foldRun(run, mark.txId);
      if (run.firstTxId <= run.lastTxId) break;
      done++;
    }
    if (done > 0) this.runs.splice(0, done);
    this.checkThresholds();
  }

  /** Applies everything that is stable and calls back when the tables have it, or when a write has failed. */
  flush(done: () => void): void {
    if (
      this.isFailed ||
      (this.applying === undefined && this.changes.size === 0 && this.foldedTxId === this.appliedTxId)
    ) {
      this.clock.defer(done);
      return;
    }
    this.flushDone.push(done);
    this.apply();
  }

  /** Stops its timer; what is under way ends without a callback. */
  close(): void {
    this.isFailed = true;
    this.disarm();
  }

  checkpointFacts(): Facts {
    return {
      appliedTxId: this.appliedTxId,
      checkpoints: this.checkpoints,
      checkpointP50Ms: this.applyMs.percentile(50),
      checkpointP99Ms: this.applyMs.percentile(99),
      checkpointEntries: this.entriesApplied,
      recordsFolded: this.recordsFolded,
      changesWaiting: this.changes.size,
      checkpointLagBytes: this.queuedBytes + this.foldedBytes + (this.applying?.bytes ?? 0),
      isCheckpointBehind: this.isBehind,
    };
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
    this.recordsFolded += last - run.firstTxId + 1;
    run.start = at;
    run.firstTxId = last + 1;
    this.foldedTxId = last;
    this.foldedBytes += at - from;
    this.queuedBytes -= at - from;
  }

  private checkThresholds(): void {
    if (this.foldedTxId === this.appliedTxId && this.applying === undefined) return;
    const { entriesMax, bytesMax, intervalMs } = this.limits;
    if (this.changes.size >= entriesMax || this.foldedBytes >= bytesMax) this.apply();
    else if (this.timer === undefined && this.foldedBytes > 0) this.arm(intervalMs);
  }

  private apply(): void {
    if (this.applying !== undefined || this.isFailed || this.foldedBytes === 0) return;
    const txId = this.foldedTxId;
    const { changes } = this;
    // Answers from the event loop, so the fields below are set before the callback.
    const result = this.tables.apply(changes, txId, (error) => this.applied(txId, error));
    if (result === 'busy') {
      // The volume has no room (S4), or another writer is at the tables: nothing is lost by waiting.
      this.disarm();
      this.arm(BUSY_RETRY_MS);
      return;
    }
    this.disarm();
    this.applying = { changes, bytes: this.foldedBytes, startedMs: this.clock.monotonicMs() };
    this.changes = this.spare ?? new ChangeMap();
    this.spare = undefined;
    this.foldedBytes = 0;
  }

  private applied(txId: number, error: AepError | undefined): void {
    if (this.isFailed) return;
    if (error !== undefined) {
      this.isFailed = true;
      this.disarm();
      this.listener.onFailure(error);
      this.endFlushes();
      return;
    }
    const { changes, startedMs } = this.applying!;
    this.applying = undefined;
    this.appliedTxId = txId;
    this.checkpoints++;
    this.entriesApplied += changes.size;
    if (changes.size <= 2 * this.limits.entriesMax) {
      changes.clear();
      this.spare = changes;
    }
    this.applyMs.record(this.clock.monotonicMs() - startedMs);
    this.listener.onApplied(txId);
    if (this.flushDone.length > 0) {
      if (this.foldedTxId === this.appliedTxId) this.endFlushes();
      else this.apply();
    } else this.checkThresholds();
  }

  private endFlushes(): void {
    const waiting = this.flushDone;
    this.flushDone = [];
    for (const done of waiting) done();
  }

  private arm(delayMs: number): void {
    this.timer = this.clock.schedule(delayMs, () => {
      this.timer = undefined;
      this.apply();
    });
  }

  private disarm(): void {
    if (this.timer !== undefined) this.clock.cancel(this.timer);
    this.timer = undefined;
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

const BUSY_RETRY_MS = 100;

function concludeCheckpointOptions(options: CheckpointOptions): Readonly<Required<CheckpointOptions>> {
  return Object.freeze({
    entriesMax: within('entriesMax', options.entriesMax ?? 8_192, 1, 1e7),
    bytesMax: within('bytesMax', options.bytesMax ?? 32 * MIB, 1, 4_096 * MIB),
    intervalMs: within('intervalMs', options.intervalMs ?? 1_000, 0, 3_600_000),
    behindBytesMax: within('behindBytesMax', options.behindBytesMax ?? 256 * MIB, 1, 65_536 * MIB),
    behindEntriesMax: within('behindEntriesMax', options.behindEntriesMax ?? 262_144, 1, 1e8),
  });
}

const MIB = 1024 * 1024;
