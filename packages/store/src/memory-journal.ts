import { AepError, type Clock, type Log } from '@aep/kernel';
import { type CommitBatch, GroupCommitJournal } from './group-commit.js';
import { type JournalPosition, positionAtBase } from './journal-position.js';
import type { Durability, RecordRun } from './journal.js';
import type { ConcludedJournalOptions } from './journal-options.js';
import type { MemoryDisk } from './memory-disk.js';
import type { MemoryFaults } from './memory-faults.js';
import { RecordReader } from './record-reader.js';
import { offsetInRun, trimmedError } from './record-runs.js';

/** The journal of a {@link MemoryStore}: stable when the simulated sync has ended on the clock. */
export class MemoryJournal extends GroupCommitJournal {
  constructor(
    private readonly disk: MemoryDisk,
    private readonly faults: MemoryFaults,
    readonly durability: Durability,
    context: { clock: Clock; log: Log; limits: ConcludedJournalOptions },
  ) {
    super(positionOf(disk), context.clock, context.log, context.limits);
  }

  *readRuns(fromTxId: number): IterableIterator<RecordRun> {
    let next = fromTxId;
    while (next <= this.stableTxId) {
      if (next < this.firstTxId) throw trimmedError(next, this.firstTxId);
      const run = this.disk.runs[this.disk.runIndex(next)];
      if (run === undefined) return;
      yield { firstTxId: next, bytes: run.bytes, start: offsetInRun(run, next), end: run.end };
      next = run.lastTxId + 1;
    }
  }

  /** The process dies: nothing is called back any more. What was being written is returned; whether it is on the disk is chance. */
  crash(): CommitBatch | undefined {
    this.abandon();
    const batch = this.inFlight;
    // The timer of the simulated sync is still running: it must find nothing to put on the disk.
    this.inFlight = undefined;
    return batch;
  }

  close(done: () => void): void {
    this.drain(() => {
      this.disk.confirmedTxId = this.isFailed ? this.disk.confirmedTxId : this.confirmedTxId;
      done();
    });
  }

  /** A fault that was found elsewhere in the store: the member is done for (H22). */
  failFromOutside(error: AepError): void {
    this.fail(error);
  }

  protected write(batch: CommitBatch): void {
    if (this.faults.hangs) return;
    const fails = this.faults.failsNextSync;
    this.faults.failsNextSync = false;
    this.clock.schedule(this.faults.commitMs(), () => {
      if (fails) {
        this.disk.failures++;
        this.fail(syncFailed(batch));
        return;
      }
      if (this.inFlight !== batch) return;
      persist(this.disk, batch);
      this.dropTrimmed();
      this.committed();
    });
  }

  protected lacksRoom(byteCount: number): string | undefined {
    const { freeBytes } = this.faults;
    return byteCount <= freeBytes ? undefined : `the disk has ${freeBytes} bytes left, the batch needs ${byteCount}`;
  }

  protected writeCut(afterTxId: number, done: () => void): void {
    this.clock.schedule(this.faults.commitMs(), () => {
      if (!this.isActive) return;
      const index = this.disk.runIndex(afterTxId);
      const kept = this.disk.runs[index];
      const keptPart =
        kept === undefined || kept.firstTxId > afterTxId
          ? []
          : [{ ...kept, lastTxId: afterTxId, end: offsetInRun(kept, afterTxId + 1) }];
      this.disk.runs.splice(index, this.disk.runs.length, ...keptPart);
      this.disk.confirmedTxId = Math.min(this.disk.confirmedTxId, afterTxId);
      done();
    });
  }

  protected trimRequested(): void {
    this.clock.defer(() => this.dropTrimmed());
  }

  private dropTrimmed(): void {
    if (!this.isActive) return;
    const { runs } = this.disk;
    let count = 0;
    while (count < runs.length - 1 && runs[count]!.lastTxId < this.trimBeforeTxId) count++;
    if (count === 0) return;
    runs.splice(0, count);
    this.firstTxId = runs[0]!.firstTxId;
  }
}

/** Puts a batch on the disk whole. */
export function persist(disk: MemoryDisk, batch: CommitBatch): void {
  disk.runs.push(...batch.runs);
  disk.confirmedTxId = Math.max(disk.confirmedTxId, batch.confirmedTxId);
}

function positionOf(disk: MemoryDisk): JournalPosition {
  const last = disk.runs[disk.runs.length - 1];
  const { confirmedTxId, base } = disk;
  if (last === undefined) return positionAtBase(base, confirmedTxId);
  const reader = new RecordReader();
  for (let at = last.start; at < last.end;) at = reader.open(last.bytes, at, last.end);
  return {
    firstTxId: disk.runs[0]!.firstTxId,
    lastTxId: reader.txId,
    lastHash: { low: reader.hash.low, high: reader.hash.high },
    lastEpoch: reader.epoch,
    confirmedTxId: Math.max(confirmedTxId, base.confirmedTxId),
    base,
  };
}

function syncFailed(batch: CommitBatch): AepError {
  return new AepError(
    'AEP_STORE_WRITE_FAILED',
    'fatal',
    `records ${batch.firstTxId}..${batch.lastTxId} could not be made durable: the sync failed; check the device, then restart`,
    { firstTxId: batch.firstTxId, lastTxId: batch.lastTxId },
  );
}
