import type { Entry } from './entry.js';
import { EntryList } from './entry-list.js';

/**
 * Decides which entries stay in memory. *Pinned* entries were changed by a sealed transaction that the durable tables do
 * not hold yet, and must stay; they are in order of their last change. *Clean* entries equal the durable tables and are
 * dropped when there are more than `cleanMax`, oldest first; one that was used since it was appended gets a second round.
 * Entries changed by the open transaction are on neither list, or still pinned by an earlier one.
 *
 * A clean entry obtained in the present period may be in a handler's hands, so it is kept over `cleanMax`, but not over
 * `heldMax`: past that its entity expires (AEP_STATE_ENTITY_EXPIRED on use), and a scan of any length fits into memory.
 */
export class EntryCache {
  private readonly clean = new EntryList();
  private readonly pinned = new EntryList();

  constructor(
    private readonly cleanMax: number,
    private readonly heldMax: number,
  ) {}

  get cleanCount(): number {
    return this.clean.size;
  }

  get pinnedCount(): number {
    return this.pinned.size;
  }

  isPinned(entry: Entry): boolean {
    return entry.list === this.pinned;
  }

  addClean(entry: Entry, period: number): void {
    entry.listStamp = period;
    this.clean.append(entry);
    if (this.clean.size > this.cleanMax) this.trim(period);
  }

  /** The open transaction changes the entry: it may not be evicted. A pinned entry stays where it is. */
  holdChanged(entry: Entry): void {
    if (entry.list === this.clean) this.clean.remove(entry);
  }

  pin(entry: Entry): void {
    if (entry.list === this.pinned) this.pinned.remove(entry);
    this.pinned.append(entry);
  }

  /** Takes the next pinned entry last changed at or before the transaction off its list; undefined when there is none. */
  unpinNext(appliedTxId: number): Entry | undefined {
    const entry = this.pinned.head;
    if (entry === undefined || entry.changedTxId > appliedTxId) return undefined;
    this.pinned.remove(entry);
    return entry;
  }

  /** Drops clean entries until the bounds hold. The list is in order of `listStamp`, so it can stop early. */
  trim(period: number): void {
    const { clean } = this;
    while (clean.size > this.cleanMax) {
      const entry = clean.head!;
      const isHeld = entry.lease === period;
      if (isHeld && entry.listStamp === period) {
        if (clean.size <= this.heldMax) return;
        entry.table.drop(entry);
      } else if (isHeld || entry.lease > entry.listStamp) {
        clean.remove(entry);
        entry.listStamp = period;
        clean.append(entry);
      } else {
        entry.table.drop(entry);
      }
    }
  }
}
