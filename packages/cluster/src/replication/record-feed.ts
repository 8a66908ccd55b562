import type { JournalReader, RecordHash, RecordRun } from '@aep/store';
import { offsetInRun } from '@aep/store/internal';
import type { RecentRecords } from './recent-records.js';

/** Where records are read: the newest in memory, the others in the journal. */
export interface RecordSource {
  readonly journal: JournalReader & { readonly lastTxId: number; readonly lastHash: RecordHash };
  readonly recent: RecentRecords;
  /** The oldest record that can be counted on: {@link HeldStore.firstTxId}. */
  readonly kept: { readonly firstTxId: number };
}

/**
 * A position in the records of a member, moved on by reading: what one follower has been sent, or what has been folded.
 * Records that are not durable are among them, because the disk here and the disk there work at the same time (H10).
 */
export class RecordFeed {
  private runs: IterableIterator<RecordRun> | undefined;
  /** What is left of the last run. */
  private rest: RecordRun | undefined;
  private lastBytes: Uint8Array = NO_BYTES;
  private lastEnd = 0;

  constructor(
    private readonly source: RecordSource,
    /** The next record to be read. */
    public nextTxId: number,
  ) {}

  /**
   * Some records from `nextTxId` on, not beyond `upToTxId`; undefined when there are none.
   *
   * @throws AEP_JOURNAL_TRIMMED, AEP_RECORD_CORRUPT
   */
  next(upToTxId: number): RecordRun | undefined {
    if (this.nextTxId > Math.min(upToTxId, this.source.journal.lastTxId)) return undefined;
    const run = this.rest ?? this.find();
    this.rest = undefined;
    if (run === undefined) return undefined;
    let { end } = run;
    const lastTxId = lastTxIdOf(run);
    if (lastTxId > upToTxId) {
      end = offsetInRun(run, upToTxId + 1);
      this.rest = { firstTxId: upToTxId + 1, bytes: run.bytes, start: end, end: run.end };
    }
    this.nextTxId = Math.min(lastTxId, upToTxId) + 1;
    this.lastBytes = run.bytes;
    this.lastEnd = end;
    return { firstTxId: run.firstTxId, bytes: run.bytes, start: run.start, end };
  }

  private find(): RecordRun | undefined {
    const { recent, journal } = this.source;
    const near = recent.following(this.nextTxId, this.lastBytes, this.lastEnd) ?? recent.from(this.nextTxId);
    if (near !== undefined) {
      this.runs = undefined;
      return near;
    }
    this.runs ??= journal.readRuns(this.nextTxId);
    const { value, done } = this.runs.next();
    if (done !== true) return value;
    // It ended at what was durable then; there is more by now, or it is in memory.
    this.runs = undefined;
    if (this.nextTxId > journal.stableTxId) return undefined;
    this.runs = journal.readRuns(this.nextTxId);
    const again = this.runs.next();
    return again.done === true ? undefined : again.value;
  }
}

function lastTxIdOf(run: RecordRun): number {
  let txId = run.firstTxId - 1;
  const view = new DataView(run.bytes.buffer, run.bytes.byteOffset);
  for (let at = run.start; at < run.end; txId++) at += view.getUint32(at, true);
  return txId;
}

const NO_BYTES = new Uint8Array(0);
