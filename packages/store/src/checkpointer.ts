import { type AepError, assert, type Clock, type Facts, Histogram, type TimerHandle } from '@aep/kernel';
import { type Backlog, FoldedBacklog, JournalBacklog } from './checkpoint-backlog.js';
import { within } from './journal-options.js';
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
 * Brings the tables behind the journal (E35): takes every record as it is appended, and applies what is stable when enough
 * has come together. One apply is under way at a time.
 *
 * It begins on the event loop, which is cheapest for a few records. Once there are so many that a checkpoint is due by their
 * number, tables with a thread of their own ({@link BackgroundFold}) are asked for it, and take over when it is there.
 *
 * ```
 * append(), onStable() -> Backlog --threshold--> tables.apply(changes) or background.fold(txId) -> onApplied(txId)
 * ```
 */
export class Checkpointer {
  appliedTxId: number;
  private readonly limits: Readonly<Required<CheckpointOptions>>;
  private backlog: Backlog;
  private nextTxId: number;
  private applying: { readonly txId: number; readonly startedMs: number } | undefined;
  private timer: TimerHandle | undefined;
  private isFailed = false;
  private flushDone: (() => void)[] = [];
  private checkpoints = 0;
  private inBackground = 0;
  private readonly applyMs = new Histogram();
  private entriesApplied = 0;

  /** @param tables hold everything up to their `appliedTxId`; the first record to come is the one after it */
  constructor(
    private readonly tables: StateTables,
    private readonly clock: Clock,
    private readonly listener: CheckpointListener,
    options: CheckpointOptions = {},
  ) {
    this.limits = concludeCheckpointOptions(options);
    this.appliedTxId = tables.appliedTxId;
    this.nextTxId = tables.appliedTxId + 1;
    this.backlog = new FoldedBacklog(tables, 2 * this.limits.entriesMax);
  }

  /** True when the tables lag so far that the engine should take less in, until {@link CheckpointListener.onApplied}. */
  get isBehind(): boolean {
    const { behindBytesMax, behindEntriesMax } = this.limits;
    return this.backlog.lagBytes >= behindBytesMax || this.backlog.waiting >= behindEntriesMax;
  }

  /** The next record, `bytes[start, start + length)`, as the journal keeps it: those bytes must never change. */
  append(txId: number, bytes: Uint8Array, start: number, length: number): void {
    assert(txId === this.nextTxId, 'the checkpointer gets every record once, in order');
    this.nextTxId = txId + 1;
    this.backlog.append(txId, bytes, start, length);
  }

  /** Takes a checkpoint when a threshold is reached. */
  onStable(mark: Stable): void {
    this.backlog.onStable(Math.min(mark.txId, this.nextTxId - 1));
    this.checkThresholds();
  }

  /** Applies everything that is stable and calls back when the tables have it, or when a write has failed. */
  flush(done: () => void): void {
    if (this.isFailed || (this.applying === undefined && this.isUpToDate)) {
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
      checkpointsInBackground: this.inBackground,
      checkpointP50Ms: this.applyMs.percentile(50),
      checkpointP99Ms: this.applyMs.percentile(99),
      checkpointEntries: this.entriesApplied,
      changesWaiting: this.backlog.waiting,
      checkpointLagBytes: this.backlog.lagBytes,
      isCheckpointBehind: this.isBehind,
    };
  }

  /** Every stable record is in the tables, or in the apply that is under way. */
  private get isUpToDate(): boolean {
    return this.backlog.stableTxId === (this.applying?.txId ?? this.appliedTxId);
  }

  private get isInBackground(): boolean {
    return this.backlog instanceof JournalBacklog;
  }

  private checkThresholds(): void {
    if (this.isUpToDate) return;
    const { backlog } = this;
    const { entriesMax, bytesMax, intervalMs } = this.limits;
    if (backlog.waiting >= entriesMax * backlog.scale || backlog.waitingBytes >= bytesMax) {
      this.lookForBackground();
      this.apply();
    } else if (this.timer === undefined) this.arm(intervalMs);
  }

  /** So much comes together that the event loop should be spared it. Between two applies: then the journal says all that is missing. */
  private lookForBackground(): void {
    const { background } = this.tables;
    if (background === undefined || this.isInBackground) return;
    if (!background.prepare() || this.applying !== undefined) return;
    this.backlog = new JournalBacklog(background, this.backlog, this.appliedTxId);
  }

  private apply(): void {
    const { backlog } = this;
    if (this.applying !== undefined || this.isFailed || this.isUpToDate) return;
    const txId = backlog.stableTxId;
    // Answers from the event loop, so the fields below are set before the callback.
    const result = backlog.apply((error, entries) => this.applied(error, entries));
    this.disarm();
    // The volume has no room (S4), or another writer is at the tables: nothing is lost by waiting.
    if (result === 'busy') this.arm(BUSY_RETRY_MS);
    else this.applying = { txId, startedMs: this.clock.monotonicMs() };
  }

  private applied(error: AepError | undefined, entries: number): void {
    if (this.isFailed) return;
    if (error !== undefined) {
      this.isFailed = true;
      this.disarm();
      this.listener.onFailure(error);
      this.endFlushes();
      return;
    }
    const { txId, startedMs } = this.applying!;
    this.applying = undefined;
    this.appliedTxId = txId;
    this.checkpoints++;
    if (this.isInBackground) this.inBackground++;
    this.entriesApplied += entries;
    this.applyMs.record(this.clock.monotonicMs() - startedMs);
    this.listener.onApplied(txId);
    if (this.flushDone.length === 0) this.checkThresholds();
    else if (this.isUpToDate) this.endFlushes();
    else this.apply();
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
