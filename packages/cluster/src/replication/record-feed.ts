import type { JournalReader, RecordHash, RecordRun } from '@aep/store';
import { offsetInRun } from '@aep/store/internal';
import type { KnownRun, RecentRecords } from './recent-records.js';

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
  private rest: KnownRun | undefined;
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
  next(upToTxId: number): KnownRun | undefined {
    if (this.nextTxId > Math.min(upToTxId, this.source.journal.lastTxId)) return undefined;
    const run = this.rest ?? this.find();
    this.rest = undefined;
    if (run === undefined) return undefined;
    const { firstTxId, bytes, start } = run;
    let { lastTxId, end } = run;
    if (lastTxId > upToTxId) {
      end = offsetInRun(run, upToTxId + 1);
      this.rest = { firstTxId: upToTxId + 1, lastTxId, bytes, start: end, end: run.end };
      lastTxId = upToTxId;
    }
    this.nextTxId = lastTxId + 1;
    this.lastBytes = bytes;
    this.lastEnd = end;
    return { firstTxId, lastTxId, bytes, start, end };
  }

  private find(): KnownRun | undefined {
    const { recent, journal } = this.source;
    const near = recent.following(this.nextTxId, this.lastBytes, this.lastEnd) ?? recent.from(this.nextTxId);
    if (near !== undefined) {
      this.runs = undefined;
      return near;
    }
    this.runs ??= journal.readRuns(this.nextTxId);
    const { value, done } = this.runs.next();
    if (done !== true) return known(value);
    // It ended at what was durable then; there is more by now, or it is in memory.
    this.runs = undefined;
    if (this.nextTxId > journal.stableTxId) return undefined;
    this.runs = journal.readRuns(this.nextTxId);
    const again = this.runs.next();
    return again.done === true ? undefined : known(again.value);
  }
}

/** A run of the journal does not say where it ends. */
function known({ firstTxId, bytes, start, end }: RecordRun): KnownRun {
  let lastTxId = firstTxId - 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = start; at < end; lastTxId++) at += view.getUint32(at, true);
  return { firstTxId, lastTxId, bytes, start, end };
}

const NO_BYTES = new Uint8Array(0);
