import { AepError, assert, type Clock, type Facts, Histogram, type Log, type TimerHandle } from '@aep/kernel';
import type { AppendResult, Durability, Journal, JournalListener, RecordRun, StoredRecord } from './journal.js';
import type { ConcludedJournalOptions } from './journal-options.js';
import type { JournalPosition } from './journal-position.js';
import { OpenRuns, type PackedRun } from './open-runs.js';
import { RecordReader } from './record-reader.js';
import { recordsOf } from './record-runs.js';
import { HASH_OFFSET, HEADER_BYTES } from './record-layout.js';
import { issueStable } from './stable.js';
import type { StoreBase } from './store-maker.js';

/** What goes to the medium in one commit: all of it or nothing. */
export interface CommitBatch {
  readonly runs: readonly PackedRun[];
  readonly firstTxId: number;
  readonly lastTxId: number;
  readonly byteCount: number;
  /** Becomes durable with the batch. */
  readonly confirmedTxId: number;
}

/**
 * Group commit (E33, S6) for a journal on any medium: the public methods check and collect, the protected ones of the
 * subclass do the work. One commit is in flight; what is appended meanwhile goes with the next.
 *
 * ```
 * append -> open runs --commit--> in flight --committed()--> stable -> listener
 *                ^                    |
 *                └── starved <── no room on the medium (S4)
 *                                     └--fail()--> failed: nothing becomes stable any more (S3)
 * ```
 */
export abstract class GroupCommitJournal implements Journal {
  abstract readonly durability: Durability;
  lastTxId: number;
  stableTxId: number;
  firstTxId: number;
  confirmedTxId: number;
  readonly lastHash: { low: number; high: number };
  lastEpoch: number;
  readonly base: StoreBase;
  readonly appended: { bytes: Uint8Array; start: number } = { bytes: NO_BYTES, start: 0 };
  readonly room: { bytes: Uint8Array; start: number } = { bytes: NO_BYTES, start: 0 };

  protected inFlight: CommitBatch | undefined;
  /** Records below it are given up; how far that has got is the subclass's business. */
  protected trimBeforeTxId = 0;
  private phase: 'open' | 'closing' | 'closed' | 'failed' = 'open';
  private readonly waiting: OpenRuns;
  private listener: JournalListener | undefined;
  private hasFailed = false;
  private isStarved = false;
  private starvedTimer: TimerHandle | undefined;
  private watchdog: TimerHandle | undefined;
  private commitStartedMs = 0;
  private closeDone: (() => void) | undefined;
  private pendingCut: { readonly afterTxId: number; readonly done: (error: AepError | undefined) => void } | undefined;

  private commits = 0;
  private starvations = 0;
  private refusals = 0;
  private readonly commitUs = new Histogram();
  private readonly recordsPerCommit = new Histogram();
  private bytesCommitted = 0;

  protected constructor(
    position: JournalPosition,
    protected readonly clock: Clock,
    protected readonly log: Log,
    protected readonly limits: ConcludedJournalOptions,
  ) {
    this.firstTxId = position.firstTxId;
    this.lastTxId = position.lastTxId;
    this.stableTxId = position.lastTxId;
    this.confirmedTxId = position.confirmedTxId;
    this.lastHash = { low: position.lastHash.low, high: position.lastHash.high };
    this.lastEpoch = position.lastEpoch;
    this.base = position.base;
    this.waiting = new OpenRuns(limits.runBytesMax, limits.commitBatchMax);
  }

  listen(listener: JournalListener): void {
    assert(this.listener === undefined, 'a journal has one listener');
    this.listener = listener;
  }

  append(bytes: Uint8Array, length: number, start = 0): AppendResult {
    if (this.phase !== 'open') return 'closed';
    if (this.isStarved || this.pendingCut !== undefined) return this.refuse();
    // An empty queue takes any record, else one that is larger than the bound could never pass.
    if (!this.waiting.isEmpty && this.waiting.byteCount + length > this.limits.waitingBytesMax) return this.refuse();
    this.checkContinues(bytes, length, start);
    const { lastHash, appended, room } = this;
    const txId = this.lastTxId + 1;
    appended.bytes = bytes;
    appended.start = start;
    this.waiting.add(txId, length, appended);
    room.bytes = appended.bytes;
    room.start = appended.start + length;
    this.lastTxId = txId;
    lastHash.low = uint32At(bytes, start + HASH_OFFSET);
    lastHash.high = uint32At(bytes, start + HASH_OFFSET + 4);
    return 'accepted';
  }

  commit(): void {
    this.commitNow();
  }

  setConfirmed(txId: number): void {
    assert(txId <= this.stableTxId, 'only a stable transaction can be confirmed');
    if (txId > this.confirmedTxId) this.confirmedTxId = txId;
  }

  read(fromTxId: number): IterableIterator<StoredRecord> {
    return recordsOf(this.readRuns(fromTxId), fromTxId);
  }

  abstract readRuns(fromTxId: number): IterableIterator<RecordRun>;

  trim(beforeTxId: number): void {
    // The newest batch stays: its last record carries the hash that the next one continues.
    const bounded = Math.min(beforeTxId, this.stableTxId);
    if (bounded <= this.trimBeforeTxId || this.phase !== 'open') return;
    this.trimBeforeTxId = bounded;
    if (bounded > this.firstTxId) this.trimRequested();
  }

  cut(afterTxId: number, done: (error: AepError | undefined) => void): void {
    assert(this.phase === 'open' && this.pendingCut === undefined, 'an open journal is cut once at a time');
    assert(
      afterTxId >= this.firstTxId || (afterTxId === this.base.txId && this.firstTxId === afterTxId + 1),
      'the cut is behind a record that is kept',
    );
    assert(afterTxId <= this.lastTxId, 'the cut is inside the journal');
    this.pendingCut = { afterTxId, done };
    if (this.inFlight === undefined) this.cutNow();
  }

  /** Takes no more records, makes durable what was accepted, then calls back. Never calls back after a failure that hangs the medium: the owner has a deadline. */
  protected drain(done: () => void): void {
    if (this.phase === 'open') this.phase = 'closing';
    this.closeDone = done;
    // Nothing more comes that a commit could wait for.
    this.commitNow();
    this.finishClosing();
  }

  /** False once it has failed or closed: nothing is read, written or trimmed any more. */
  get isActive(): boolean {
    return this.phase === 'open' || this.phase === 'closing';
  }

  /** True from the failure on, also after a close. */
  get isFailed(): boolean {
    return this.hasFailed;
  }

  journalFacts(): Facts {
    return {
      durability: this.durability,
      firstTxId: this.firstTxId,
      lastTxId: this.lastTxId,
      stableTxId: this.stableTxId,
      confirmedTxId: this.confirmedTxId,
      commits: this.commits,
      commitP50Us: this.commitUs.percentile(50),
      commitP99Us: this.commitUs.percentile(99),
      commitMaxUs: Math.round(this.commitUs.max),
      recordsPerCommitMean: Math.round(this.recordsPerCommit.mean * 10) / 10,
      recordsPerCommitMax: this.recordsPerCommit.max,
      journalBytesCommitted: this.bytesCommitted,
      waitingBytes: this.waiting.byteCount,
      appendsRefused: this.refusals,
      isStarvedOfSpace: this.isStarved,
      starvations: this.starvations,
      isFailed: this.hasFailed,
    };
  }

  /** Writes the batch; {@link committed} or {@link fail} must follow, from the event loop. */
  protected abstract write(batch: CommitBatch): void;
  /** Whether the medium has room for that many bytes and its reserve (S4); the text says what is short when it has not. */
  protected abstract lacksRoom(byteCount: number): string | undefined;
  /** Removes what lies after the record, durably; `done` comes from the event loop, and not after a failure. */
  protected abstract writeCut(afterTxId: number, done: () => void): void;
  /** `trimBeforeTxId` has moved. */
  protected abstract trimRequested(): void;

  protected committed(): void {
    const batch = this.inFlight;
    if (batch === undefined || this.phase === 'failed' || this.phase === 'closed') return;
    this.inFlight = undefined;
    assert(batch.firstTxId === this.stableTxId + 1, 'commits end in order');
    this.stableTxId = batch.lastTxId;
    this.commits++;
    this.commitUs.record((this.clock.monotonicMs() - this.commitStartedMs) * 1_000);
    this.recordsPerCommit.record(batch.lastTxId - batch.firstTxId + 1);
    this.bytesCommitted += batch.byteCount;
    // The disk works on the next batch while the listener releases this one.
    if (this.pendingCut === undefined) this.commit();
    else this.cutNow();
    // What a cut is about to take away was never stable for the group, so nobody hears of it (H5).
    const announcedTxId = Math.min(batch.lastTxId, this.pendingCut?.afterTxId ?? Infinity);
    if (announcedTxId >= batch.firstTxId) this.listener?.onStable(issueStable(announcedTxId));
    this.finishClosing();
  }

  /** From the event loop; the first failure counts (E34: a failed sync is never tried again). */
  protected fail(error: AepError): void {
    if (this.phase === 'failed' || this.phase === 'closed') return;
    this.phase = 'failed';
    this.hasFailed = true;
    this.stopTimers();
    this.log.log(
      'error',
      'the journal failed: nothing becomes stable any more',
      { stableTxId: this.stableTxId },
      error,
    );
    this.listener?.onFailure(error);
    this.pendingCut?.done(error);
    this.pendingCut = undefined;
    this.finishClosing();
  }

  /** For a crash in a simulation and the end of a close: no callback comes after it. */
  protected abandon(): void {
    this.phase = 'closed';
    this.stopTimers();
  }

  private commitNow(): void {
    const batch = this.begin();
    if (batch !== undefined) this.write(batch);
  }

  /** What waits becomes the batch in flight, which must be written; undefined when nothing may begin now. */
  protected begin(): CommitBatch | undefined {
    if (this.inFlight !== undefined || this.waiting.isEmpty || this.pendingCut !== undefined) return undefined;
    if (this.phase !== 'open' && this.phase !== 'closing') return undefined;
    const short = this.lacksRoom(this.waiting.byteCount);
    if (short !== undefined) {
      this.starve(short);
      return undefined;
    }
    if (this.isStarved) this.endStarvation();
    const runs = this.waiting.take();
    const last = runs[runs.length - 1]!;
    let byteCount = 0;
    for (const run of runs) byteCount += run.end - run.start;
    const batch = {
      runs,
      firstTxId: runs[0]!.firstTxId,
      lastTxId: last.lastTxId,
      byteCount,
      confirmedTxId: this.confirmedTxId,
    };
    this.inFlight = batch;
    this.commitStartedMs = this.clock.monotonicMs();
    this.watch();
    return batch;
  }

  private cutNow(): void {
    const { afterTxId, done } = this.pendingCut!;
    this.waiting.clear();
    this.writeCut(Math.min(afterTxId, this.stableTxId), () => {
      if (this.pendingCut === undefined) return;
      this.endAt(Math.min(afterTxId, this.stableTxId));
      this.pendingCut = undefined;
      this.log.log('info', 'the tail of the journal was cut', { afterTxId });
      done(undefined);
      this.finishClosing();
    });
  }

  /** The journal ends at this record from now on. */
  private endAt(txId: number): void {
    this.stableTxId = Math.min(this.stableTxId, txId);
    this.lastTxId = this.stableTxId;
    this.confirmedTxId = Math.min(this.confirmedTxId, this.stableTxId);
    let { hash, epoch } = this.base;
    if (txId >= this.firstTxId) {
      const reader = new RecordReader();
      for (const { bytes } of this.read(txId)) reader.open(bytes);
      ({ hash, epoch } = reader);
    }
    this.lastHash.low = hash.low;
    this.lastHash.high = hash.high;
    this.lastEpoch = epoch;
  }

  private checkContinues(bytes: Uint8Array, length: number, start: number): void {
    assert(length >= HEADER_BYTES && start + length <= bytes.length, 'a record has at least a header');
    assert(uint32At(bytes, start) === length, 'a record is as long as it says');
    const txId = uint32At(bytes, start + 12) + uint32At(bytes, start + 16) * 0x1_0000_0000;
    assert(txId === this.lastTxId + 1, 'txIds have no hole');
    const isLinked =
      uint32At(bytes, start + 32) === this.lastHash.low && uint32At(bytes, start + 36) === this.lastHash.high;
    assert(isLinked, 'a record carries the hash of the one before');
    const epoch = uint32At(bytes, start + 8);
    assert(epoch >= this.lastEpoch, 'epochs of records never fall (H4)');
    this.lastEpoch = epoch;
  }

  /** Records wait and nothing is lost; `onStable` follows because something waits, so the caller learns when to try again. */
  private refuse(): AppendResult {
    this.refusals++;
    if (!this.isStarved) this.commit();
    return 'back-pressured';
  }

  /** S4: waits with what was accepted until space returns; nothing new is taken meanwhile. */
  private starve(short: string): void {
    if (!this.isStarved) {
      this.isStarved = true;
      this.starvations++;
      this.log.log('warn', `the journal takes no records: ${short}`, { waitingBytes: this.waiting.byteCount });
    }
    this.starvedTimer ??= this.clock.schedule(this.limits.spaceRecheckMs, () => {
      this.starvedTimer = undefined;
      this.commit();
    });
  }

  private endStarvation(): void {
    this.isStarved = false;
    this.log.log('info', 'the journal takes records again: space has returned');
  }

  /** S3: one timer watches whatever commit is in flight, instead of one armed and cancelled per commit. */
  private watch(): void {
    if (this.watchdog !== undefined) return;
    const stallMs = this.limits.commitStallMs;
    this.watchdog = this.clock.schedule(stallMs / 2, () => {
      this.watchdog = undefined;
      if (this.inFlight === undefined) return;
      const waitedMs = this.clock.monotonicMs() - this.commitStartedMs;
      if (waitedMs >= stallMs) this.fail(stalled(waitedMs, this.inFlight));
      else this.watch();
    });
  }

  private finishClosing(): void {
    const done = this.closeDone;
    if (done === undefined) return;
    if (this.phase === 'closing' && (this.inFlight !== undefined || this.pendingCut !== undefined)) return;
    if (this.phase === 'closing' && !this.waiting.isEmpty) {
      if (!this.isStarved) return;
      // Nothing of it was stable, so nothing of it was released or acknowledged: it comes again.
      this.log.log('warn', 'closed without room for the last records', {
        lastTxId: this.lastTxId,
        stableTxId: this.stableTxId,
      });
    }
    this.closeDone = undefined;
    this.abandon();
    done();
  }

  private stopTimers(): void {
    if (this.watchdog !== undefined) this.clock.cancel(this.watchdog);
    if (this.starvedTimer !== undefined) this.clock.cancel(this.starvedTimer);
    this.watchdog = undefined;
    this.starvedTimer = undefined;
  }
}

const NO_BYTES = new Uint8Array(0);

function uint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function stalled(waitedMs: number, batch: CommitBatch): AepError {
  return new AepError(
    'AEP_STORE_STALLED',
    'fatal',
    `a commit of records ${batch.firstTxId}..${batch.lastTxId} has not ended after ${Math.round(waitedMs)} ms: the disk hangs or a sync failed; check the device, then restart`,
    { firstTxId: batch.firstTxId, lastTxId: batch.lastTxId, waitedMs },
  );
}
