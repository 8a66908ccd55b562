import { assert } from '@aep/kernel';
import { RecordReader, type RecordHash, type RecordRun } from '@aep/store';
import { offsetInRun } from '@aep/store/internal';

/** A run of which it is known where it ends, without going through it. */
export interface KnownRun extends RecordRun {
  readonly lastTxId: number;
}

interface RecentRun extends KnownRun {
  readonly firstTxId: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  lastTxId: number;
  end: number;
}

/** Bytes of one run; a record that is larger has a run of its own. */
const RUN_BYTES_MAX = 256 * 1024;

/**
 * The newest records, as the journal holds them in memory: what followers that keep up are sent, and what is not yet durable
 * here and so cannot be read from the journal. One for all followers; each has only a position in it ({@link RecordFeed}),
 * so a follower that is slow or gone costs no memory.
 */
export class RecentRecords {
  private readonly runs: RecentRun[] = [];
  private byteCount = 0;
  private lastTxId: number;

  /**
   * @param lastTxId of the journal: the next record to come is the one after it
   * @param bytesMax what is kept although it is durable; the oldest go first
   */
  constructor(
    lastTxId: number,
    private readonly bytesMax: number,
  ) {
    this.lastTxId = lastTxId;
  }

  /** The oldest record that is here; one past the last when none is. */
  get firstTxId(): number {
    return this.runs[0]?.firstTxId ?? this.lastTxId + 1;
  }

  get heldBytes(): number {
    return this.byteCount;
  }

  /** The next record, `bytes[start, start + length)`; those bytes never change. */
  add(txId: number, bytes: Uint8Array, start: number, length: number): void {
    assert(txId === this.lastTxId + 1, 'records come once, in order');
    this.lastTxId = txId;
    this.byteCount += length;
    const last = this.runs[this.runs.length - 1];
    if (last?.bytes === bytes && last.end === start && start + length - last.start <= RUN_BYTES_MAX) {
      last.lastTxId = txId;
      last.end = start + length;
    } else this.runs.push({ firstTxId: txId, lastTxId: txId, bytes, start, end: start + length });
  }

  /** Records up to here can be read from the journal; the oldest of them go when there is too much. */
  durable(txId: number): void {
    let count = 0;
    while (this.byteCount > this.bytesMax && count < this.runs.length && this.runs[count]!.lastTxId <= txId) {
      this.byteCount -= this.runs[count]!.end - this.runs[count]!.start;
      count++;
    }
    if (count > 0) this.runs.splice(0, count);
  }

  /** The journal ends at `txId` now: what was after it is not part of it any more. */
  endAt(txId: number): void {
    this.runs.length = 0;
    this.byteCount = 0;
    this.lastTxId = txId;
  }

  /** Records from `txId` on that lie together; undefined when that record is not here. */
  from(txId: number): KnownRun | undefined {
    const run = this.find(txId);
    if (run === undefined) return undefined;
    const { lastTxId, bytes, end } = run;
    return { firstTxId: txId, lastTxId, bytes, start: offsetInRun(run, txId), end };
  }

  /** The record after the one that ends at `end` of `bytes`, when both lie together: spares looking for it from the front of its run. */
  following(txId: number, bytes: Uint8Array, end: number): KnownRun | undefined {
    const run = this.runs[this.runs.length - 1];
    if (run === undefined || run.bytes !== bytes || txId <= run.firstTxId || txId > run.lastTxId) return undefined;
    return { firstTxId: txId, lastTxId: run.lastTxId, bytes, start: end, end: run.end };
  }

  hashOf(txId: number): RecordHash | undefined {
    const run = this.from(txId);
    if (run === undefined) return undefined;
    const reader = new RecordReader();
    reader.openTrusted(run.bytes, run.start);
    return { low: reader.hash.low, high: reader.hash.high };
  }

  private find(txId: number): RecentRun | undefined {
    let low = 0;
    let high = this.runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.runs[middle]!.lastTxId < txId) low = middle + 1;
      else high = middle;
    }
    const run = this.runs[low];
    return run !== undefined && run.firstTxId <= txId ? run : undefined;
  }
}
