import { AepError, toError } from '@aep/kernel';
import type { Durability, RecordRun } from '@aep/store';
import { type CommitBatch, GroupCommitJournal, offsetInRun } from '@aep/store/internal';
import { logCommitDetail } from './commit-detail.js';
import { CommitPacer } from './commit-pacer.js';
import { type Environments, SYNC_COMMIT } from './environment.js';
import { LmdbRuns, txKey } from './lmdb-runs.js';
import type { ConcludedLmdbOptions } from './lmdb-store-options.js';
import { lackOfRoom } from './free-space.js';
import { Lull } from './lull.js';
import { MetaName, numberBytes } from './store-meta.js';

/** The journal of one engine in LMDB: one value per run of records, one LMDB transaction per group commit (S6). */
export class LmdbJournal extends GroupCommitJournal {
  readonly durability: Durability;
  readonly pacer: CommitPacer;
  private readonly lull: Lull;
  private confirmedOnDisk: number;
  private isTrimming = false;
  private isFaulty = false;
  /** While the store is being copied: the copy of the journal must begin where the copy of the tables ends. */
  isTrimHeld = false;
  syncCommits = 0;
  asyncCommits = 0;
  runsTrimmed = 0;

  constructor(
    private readonly environments: Environments,
    private readonly runs: LmdbRuns,
    private readonly options: ConcludedLmdbOptions,
  ) {
    super(runs.position(), options.clock, options.log, options.journal);
    this.durability = options.durability;
    this.confirmedOnDisk = this.confirmedTxId;
    this.pacer = new CommitPacer(options.commitMode, options.syncCommitMaxMs, options.clock);
    this.lull = new Lull(options.clock, {
      progress: () => this.lastTxId,
      onLull: () => this.commitInLull(),
    });
  }

  readRuns(fromTxId: number): IterableIterator<RecordRun> {
    return this.runs.read(fromTxId, () => this.stableTxId);
  }

  /**
   * A fault that was found elsewhere in the store: the member is done for (H22). From here on nothing becomes stable; the
   * listener hears of it in a turn of its own, because whoever reads a damaged entry is in the middle of a transaction.
   */
  failFromOutside(error: AepError): void {
    if (this.isFaulty) return;
    this.isFaulty = true;
    this.clock.defer(() => this.fail(error));
  }

  protected override committed(): void {
    // A commit may end before the turn in which the failure is told.
    if (!this.isFaulty) super.committed();
  }

  /**
   * A blocking commit never begins at once: `commit` must return before anything becomes stable. What it takes is settled
   * when it begins, so that what comes until then goes with it.
   */
  override commit(): void {
    const waiting = this.lastTxId - this.stableTxId;
    if (this.inFlight === undefined && waiting > 0 && this.pacer.isSync(waiting)) this.lull.await();
    else super.commit();
  }

  close(done: () => void): void {
    this.drain(() => {
      if (!this.isFailed && this.confirmedTxId > this.confirmedOnDisk) this.writeConfirmed();
      done();
    });
  }

  protected lacksRoom(byteCount: number): string | undefined {
    return lackOfRoom(this.options, byteCount);
  }

  protected writeCut(afterTxId: number, done: () => void): void {
    const { runs, journalMeta } = this.environments;
    runs.resetReadTxn();
    const last = afterTxId === 0 ? undefined : this.runs.runAt(afterTxId);
    const gone = this.runs.after(last?.firstTxId ?? 0);
    const written = runs.batch(() => {
      for (const txId of gone) void runs.remove(txKey(txId));
      if (last !== undefined)
        void runs.put(txKey(last.firstTxId), last.bytes.subarray(0, offsetInRun(last, afterTxId + 1)));
      void journalMeta.put(
        MetaName.confirmedTxId,
        numberBytes(MetaName.confirmedTxId, Math.min(this.confirmedOnDisk, afterTxId)),
      );
    });
    written.then(
      () => {
        this.confirmedOnDisk = Math.min(this.confirmedOnDisk, afterTxId);
        runs.resetReadTxn();
        done();
      },
      (thrown: unknown) => {
        logCommitDetail(thrown, this.options.log);
        this.fail(cutFailed(afterTxId, thrown));
      },
    );
  }

  protected trimRequested(): void {
    if (this.isTrimming || this.inFlight !== undefined) return;
    this.isTrimming = true;
    this.clock.defer(() => this.trimStep());
  }

  private commitInLull(): void {
    const batch = this.begin();
    if (batch === undefined) return;
    if (this.pacer.isSync(recordsOf(batch))) this.writeBlocking(batch);
    else this.write(batch);
  }

  private writeBlocking(batch: CommitBatch): void {
    const startedMs = this.clock.monotonicMs();
    const trimmed = this.trimmable(RUNS_TRIMMED_PER_COMMIT);
    try {
      // In braces: a put that is returned makes lmdb wait for its promise and leaves the transaction open (S9).
      this.environments.journal.transactionSync(() => {
        this.putBatch(batch, trimmed);
      }, SYNC_COMMIT);
    } catch (thrown) {
      this.fail(writeFailed(batch, thrown));
      return;
    }
    this.syncCommits++;
    this.pacer.measured(this.clock.monotonicMs() - startedMs);
    this.ended(batch, trimmed);
  }

  /** On the other thread. */
  protected write(batch: CommitBatch): void {
    const startedMs = this.clock.monotonicMs();
    const trimmed = this.trimmable(RUNS_TRIMMED_PER_COMMIT);
    const { journal } = this.environments;
    const written = journal.batch(() => this.putBatch(batch, trimmed));
    // The disk begins now, and not after this turn: it may release a batch and handle hundreds of events.
    journal.batch(NOTHING).catch(NOTHING);
    written.then(
      () => {
        this.asyncCommits++;
        this.pacer.measuredBehind(this.clock.monotonicMs() - startedMs, recordsOf(batch));
        this.ended(batch, trimmed);
      },
      (thrown: unknown) => {
        logCommitDetail(thrown, this.options.log);
        this.fail(writeFailed(batch, thrown));
      },
    );
  }

  /** The promises of puts inside a transaction or batch say nothing: its own does. */
  private putBatch(batch: CommitBatch, trimmed: readonly number[]): void {
    const { runs, journalMeta } = this.environments;
    for (const { firstTxId, bytes, start, end } of batch.runs)
      void runs.put(txKey(firstTxId), bytes.subarray(start, end));
    if (batch.confirmedTxId > this.confirmedOnDisk) {
      void journalMeta.put(MetaName.confirmedTxId, numberBytes(MetaName.confirmedTxId, batch.confirmedTxId));
    }
    for (let index = 0; index < trimmed.length - 1; index++) void runs.remove(txKey(trimmed[index]!));
  }

  private ended(batch: CommitBatch, trimmed: readonly number[]): void {
    this.confirmedOnDisk = Math.max(this.confirmedOnDisk, batch.confirmedTxId);
    this.trimEnded(trimmed);
    this.committed();
    if (this.trimBeforeTxId > this.firstTxId) this.trimRequested();
  }

  /** First txIds of runs that may go, and at the end the one that is the first to stay; empty when none may. */
  private trimmable(runsMax: number): readonly number[] {
    if (this.trimBeforeTxId <= this.firstTxId || this.isTrimHeld) return NONE;
    // The read transaction of this turn may be older than the last commit.
    this.environments.runs.resetReadTxn();
    const oldest = this.runs.oldest(runsMax + 1);
    let count = 0;
    // A run ends where the next begins; the newest has no next and stays.
    while (count + 1 < oldest.length && oldest[count + 1]! <= this.trimBeforeTxId) count++;
    return count === 0 ? NONE : oldest.slice(0, count + 1);
  }

  private trimEnded(trimmed: readonly number[]): void {
    if (trimmed.length === 0) return;
    this.firstTxId = trimmed[trimmed.length - 1]!;
    this.runsTrimmed += trimmed.length - 1;
  }

  /** Trimming while the journal is idle: a small transaction of its own per step; commits take over when they come. */
  private trimStep(): void {
    const trimmed = this.inFlight === undefined && this.isActive ? this.trimmable(RUNS_TRIMMED_PER_STEP) : NONE;
    if (trimmed.length === 0) {
      this.isTrimming = false;
      return;
    }
    const removed = this.environments.runs.batch(() => {
      for (const txId of trimmed.slice(0, -1)) void this.environments.runs.remove(txKey(txId));
    });
    removed.then(
      () => {
        this.trimEnded(trimmed);
        this.clock.defer(() => this.trimStep());
      },
      (thrown: unknown) => {
        this.isTrimming = false;
        logCommitDetail(thrown, this.options.log);
        this.fail(trimFailed(thrown));
      },
    );
  }

  private writeConfirmed(): void {
    try {
      this.environments.journalMeta.transactionSync(() => {
        void this.environments.journalMeta.put(
          MetaName.confirmedTxId,
          numberBytes(MetaName.confirmedTxId, this.confirmedTxId),
        );
      }, SYNC_COMMIT);
    } catch (thrown) {
      // Not fatal any more: after a restart those messages are in doubt and are sent again (E37).
      this.options.log.log(
        'warn',
        'the confirmed position could not be written at close',
        { confirmedTxId: this.confirmedTxId },
        thrown,
      );
    }
  }
}

const NONE: readonly number[] = [];
const NOTHING = (): void => {};
/** A saturated journal fills some runs per commit; trimming twice that keeps up without making commits long. */
const RUNS_TRIMMED_PER_COMMIT = 16;
const RUNS_TRIMMED_PER_STEP = 64;

function recordsOf(batch: CommitBatch): number {
  return batch.lastTxId - batch.firstTxId + 1;
}

function writeFailed(batch: CommitBatch, thrown: unknown): AepError {
  const { firstTxId, lastTxId } = batch;
  return new AepError(
    'AEP_STORE_WRITE_FAILED',
    'fatal',
    `records ${firstTxId}..${lastTxId} could not be made durable: ${toError(thrown).message}; check the device and its free space, then restart`,
    { firstTxId, lastTxId },
    thrown,
  );
}

function cutFailed(afterTxId: number, thrown: unknown): AepError {
  return new AepError(
    'AEP_STORE_WRITE_FAILED',
    'fatal',
    `the journal could not be cut after record ${afterTxId}: ${toError(thrown).message}; check the device and its free space, then restart`,
    { afterTxId },
    thrown,
  );
}

function trimFailed(thrown: unknown): AepError {
  return new AepError(
    'AEP_STORE_WRITE_FAILED',
    'fatal',
    `the journal could not be trimmed: ${toError(thrown).message}; check the device and its free space, then restart`,
    {},
    thrown,
  );
}
