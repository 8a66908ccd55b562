import { assert } from '@aep/kernel';
import type { Entry } from './entry.js';
import { PinnedEntries } from './pinned-entries.js';

/**
 * Decides which entries stay in memory. *Pinned* entries were changed by a sealed transaction that the durable tables do
 * not hold yet, and must stay; they are in order of their last change. *Clean* entries equal the durable tables and are
 * dropped when there are more than `cleanMax`. Entries changed by the open transaction are not clean, and may be pinned.
 *
 * Clean entries lie on a clock: a hand goes round, gives an entry that was used since it last passed another round, and
 * drops the others. An entry that becomes changed stays on the clock until the hand comes by: to unlink it at once would
 * cost the hot path two misses of the processor's cache.
 *
 * A clean entry obtained in the present period may be in a handler's hands, so it is kept over `cleanMax`, but not over
 * `heldMax`: past that its entity expires (AEP_STATE_ENTITY_EXPIRED on use), and a scan of any length fits into memory.
 */
export class EntryCache {
  cleanCount = 0;
  private readonly pinned = new PinnedEntries();
  private readonly clock: Entry[] = [];
  private hand = 0;
  /** In this period a whole round met only entries in a handler's hands: do not look again before it ends. */
  private heldPeriod = 0;

  constructor(
    private readonly cleanMax: number,
    private readonly heldMax: number,
  ) {}

  get pinnedCount(): number {
    return this.pinned.size;
  }

  addClean(entry: Entry, period: number): void {
    assert(!entry.isClean && !entry.isPinned, 'an entry becomes clean once');
    // Room is made first, so that an entry cannot be dropped by its own arrival.
    if (this.cleanCount >= this.cleanMax) this.trim(period, 1);
    entry.isClean = true;
    this.cleanCount++;
    if (entry.clockIndex < 0) {
      // Before the entry is there: the hand would stand at it, and drop the newest first.
      if (this.hand >= this.clock.length) this.hand = 0;
      entry.clockIndex = this.clock.push(entry) - 1;
      entry.clockStamp = period;
    }
  }

  /** The open transaction changes the entry: it may not be dropped. A pinned entry stays where it is. */
  holdChanged(entry: Entry): void {
    if (!entry.isClean) return;
    entry.isClean = false;
    this.cleanCount--;
  }

  /** A sealed transaction, `entry.changedTxId`, has changed it. */
  pin(entry: Entry): void {
    this.pinned.add(entry);
  }

  /** Unpins the next entry last changed at or before the transaction; undefined when there is none. */
  unpinNext(appliedTxId: number): Entry | undefined {
    return this.pinned.takeUpTo(appliedTxId);
  }

  /** The entry leaves memory. */
  forget(entry: Entry): void {
    if (entry.isPinned) this.pinned.remove(entry);
    this.holdChanged(entry);
    if (entry.clockIndex >= 0) this.takeOffClock(entry);
  }

  /** Drops clean entries until `room` more would be within the bounds. */
  trim(period: number, room: number): void {
    const heldTarget = this.heldMax - room;
    let passed = 0;
    while (this.cleanCount > (this.heldPeriod === period ? heldTarget : this.cleanMax - room)) {
      if (this.hand >= this.clock.length) this.hand = 0;
      const entry = this.clock[this.hand++]!;
      if (!entry.isClean) {
        this.takeOffClock(entry);
      } else if (entry.lease === period ? this.cleanCount > heldTarget : entry.lease <= entry.clockStamp) {
        entry.table.drop(entry);
      } else {
        // Entries used before this period are dropped in the second round at the latest. Whole rounds only, so that the
        // hand stands at the earliest again.
        entry.clockStamp = period;
        if (++passed >= 2 * this.clock.length) this.heldPeriod = period;
      }
    }
  }

  /** The last entry takes its place, behind the hand: the newest entries are the last to be dropped. */
  private takeOffClock(entry: Entry): void {
    const last = this.clock.pop()!;
    if (last !== entry) {
      this.clock[entry.clockIndex] = last;
      last.clockIndex = entry.clockIndex;
    }
    entry.clockIndex = -1;
  }
}
