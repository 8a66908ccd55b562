import { NO_HASH, type RecordHash, RecordReader } from '@aep/store';
import type { RecordSource } from './record-feed.js';

/**
 * The hash of a record, for finding the last common one of two members (H5): because each record carries the hash of the one
 * before, an equal hash means that all up to there is equal. Undefined when the record is not kept; the one before the first
 * that is kept is still known, by what its successor says.
 */
export function hashAt({ journal, recent, kept }: RecordSource, txId: number): RecordHash | undefined {
  if (txId === 0) return NO_HASH;
  if (txId > journal.lastTxId || txId < kept.firstTxId - 1) return undefined;
  if (txId === journal.lastTxId) return { low: journal.lastHash.low, high: journal.lastHash.high };
  const isBeforeFirst = txId === kept.firstTxId - 1;
  const inMemory = isBeforeFirst ? undefined : recent.hashOf(txId);
  if (inMemory !== undefined) return inMemory;
  const reader = new RecordReader();
  for (const { bytes } of journal.read(isBeforeFirst ? txId + 1 : txId)) {
    reader.open(bytes);
    const { low, high } = isBeforeFirst ? reader.previousHash : reader.hash;
    return { low, high };
  }
  return undefined;
}

/** Finds the last common record with few questions: one when the shorter journal is the beginning of the longer one. */
export class CommonRecordSearch {
  /** The last record that is known to be common; -1: none yet. */
  private low = -1;
  /** Everything from here on differs, or is not on both sides. */
  private high: number;
  private asked: number;

  /**
   * @param lowest one before the first record that both keep; 0 is common to all journals
   * @param highest the last record that both have
   */
  constructor(
    private readonly lowest: number,
    highest: number,
  ) {
    if (lowest === 0) this.low = 0;
    this.high = highest + 1;
    this.asked = highest;
  }

  /** The record to compare next; undefined when the search has ended. */
  get question(): number | undefined {
    if (this.high - 1 < this.lowest || this.high - this.low <= 1) return undefined;
    return this.asked;
  }

  /** The answer to {@link question}. */
  answer(isEqual: boolean): void {
    if (isEqual) this.low = this.asked;
    else this.high = this.asked;
    // The lower end before halves: without it there may be nothing in common, and halving would look in vain.
    this.asked = this.low < 0 ? this.lowest : (this.low + this.high) >> 1;
  }

  /** The last common record when the search has ended; undefined when both keep none. */
  get commonTxId(): number | undefined {
    return this.low < 0 ? undefined : this.low;
  }
}
