import { AepError, assert } from '@aep/kernel';
import type { Entry } from './entry.js';

/**
 * The pre-images of the open transaction, in the order in which they were taken: the bytes of an entity before its first
 * change in an epoch, or the fact that it was absent. All bytes lie in one arena that is reused by every transaction, so
 * a touch allocates nothing. Undoing walks backwards and decodes them into the same entity objects (E21, E36).
 *
 * At `bytesMax` a change is refused with AEP_STATE_TRANSACTION_TOO_LARGE; what was changed before can still be undone.
 */
export class UndoLog {
  size = 0;
  private entries: Entry[] = [];
  /** Where the pre-image ends; it begins where the one before it ends. */
  private ends: number[] = [];
  private flags: number[] = [];
  private arena = new Uint8Array(ARENA_BYTES_AT_FIRST);
  private used = 0;

  constructor(private readonly bytesMax: number) {}

  /** Takes the pre-image of the entry. `firstInTransaction` comes back from {@link undoLast}. */
  record(entry: Entry, firstInTransaction: boolean): void {
    if (this.size >= RECORDS_MAX) throw tooLarge(`${RECORDS_MAX} changes`);
    let end = this.used;
    if (entry.present) {
      const endMax = end + entry.entity.$encodedSizeMax();
      if (endMax > this.arena.length) this.grow(endMax);
      end = entry.entity.$encodeTo(this.arena, end);
      assert(end <= endMax, 'an entity writes no more bytes than it announced');
    }
    this.used = end;
    this.entries[this.size] = entry;
    this.ends[this.size] = end;
    this.flags[this.size] = (entry.present ? WAS_PRESENT : 0) | (firstInTransaction ? FIRST_IN_TRANSACTION : 0);
    this.size++;
  }

  /** Puts the entry of the last record back as it was, and answers whether the record was its first in the transaction. */
  undoLast(): boolean {
    const index = --this.size;
    const entry = this.entries[index]!;
    const flags = this.flags[index]!;
    const start = index === 0 ? 0 : this.ends[index - 1]!;
    entry.present = (flags & WAS_PRESENT) !== 0;
    if (entry.present) entry.entity.$decode(this.arena, start, this.ends[index]!);
    else if (entry.isPermanent) entry.entity.$reset();
    // The next change has to take a pre-image again, though the epoch may be the same.
    entry.touchedEpoch = 0;
    this.used = start;
    return (flags & FIRST_IN_TRANSACTION) !== 0;
  }

  /** The entry that {@link undoLast} would put back. */
  get last(): Entry {
    return this.entries[this.size - 1]!;
  }

  /** Forgets all records; storage past what an ordinary transaction needs is given back. */
  clear(): void {
    this.size = 0;
    this.used = 0;
    if (this.arena.length > ARENA_KEPT_BYTES) this.arena = new Uint8Array(ARENA_KEPT_BYTES);
    if (this.entries.length > RECORDS_KEPT) {
      this.entries = [];
      this.ends = [];
      this.flags = [];
    }
  }

  private grow(needed: number): void {
    if (needed > this.bytesMax) throw tooLarge(`${this.bytesMax} bytes of pre-images`);
    const grown = new Uint8Array(Math.min(this.bytesMax, Math.max(needed, 2 * this.arena.length)));
    grown.set(this.arena.subarray(0, this.used));
    this.arena = grown;
  }
}

function tooLarge(limit: string): AepError {
  return new AepError(
    'AEP_STATE_TRANSACTION_TOO_LARGE',
    'reject',
    `the transaction is over the limit of ${limit} that can be undone: do less in one handler call, for example page by page with scheduled messages`,
    { limit },
  );
}

const WAS_PRESENT = 1;
const FIRST_IN_TRANSACTION = 2;
const ARENA_BYTES_AT_FIRST = 4 * 1024;
const ARENA_KEPT_BYTES = 256 * 1024;
const RECORDS_KEPT = 16 * 1024;
/** A record is also a put or delete in the journal record of the transaction, whose size is bounded; this is far past it. */
const RECORDS_MAX = 4_000_000;
