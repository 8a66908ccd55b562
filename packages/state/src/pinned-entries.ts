import { assert } from '@aep/kernel';
import type { Entry } from './entry.js';

/**
 * The pinned entries in order of their last change: a ring of changes, each an entry and its transaction. A change that is
 * not the entry's last any more is passed over when the ring comes to it. To move the entry instead, as a linked list
 * does, would touch both neighbours: two misses of the processor's cache a change.
 *
 *     ring:   A@5  B@6  A@9  C@9        A was changed by transaction 9, so A@5 says nothing any more
 *             first          last
 */
export class PinnedEntries {
  /** Entries, not changes. */
  size = 0;
  private entries: (Entry | undefined)[] = Array.from({ length: SLOTS_AT_FIRST }, () => undefined);
  private txIds: number[] = Array.from({ length: SLOTS_AT_FIRST }, () => 0);
  private first = 0;
  private changes = 0;

  /** The entry, pinned already or not, was changed by `entry.changedTxId`, which is not before any other here. */
  add(entry: Entry): void {
    if (!entry.isPinned) {
      entry.isPinned = true;
      this.size++;
    }
    if (this.changes === this.entries.length) this.makeRoom();
    const slot = (this.first + this.changes) & (this.entries.length - 1);
    this.entries[slot] = entry;
    this.txIds[slot] = entry.changedTxId;
    this.changes++;
  }

  /** Takes the next entry last changed at or before the transaction; undefined when there is none. */
  takeUpTo(txId: number): Entry | undefined {
    while (this.changes > 0 && this.txIds[this.first]! <= txId) {
      const entry = this.entries[this.first]!;
      const isLast = isLastChange(entry, this.txIds[this.first]!);
      this.entries[this.first] = undefined;
      this.first = (this.first + 1) & (this.entries.length - 1);
      this.changes--;
      if (!isLast) continue;
      this.remove(entry);
      return entry;
    }
    return undefined;
  }

  remove(entry: Entry): void {
    assert(entry.isPinned, 'an entry that is removed is pinned');
    entry.isPinned = false;
    // Numbers may begin anew when nothing is pinned: changes that say nothing any more must not stand before them.
    if (--this.size === 0) this.clear();
  }

  private clear(): void {
    for (; this.changes > 0; this.changes--) {
      this.entries[this.first] = undefined;
      this.first = (this.first + 1) & (this.entries.length - 1);
    }
  }

  /** Leaves out what says nothing any more; the ring grows when that is less than half, so its size follows that of the entries. */
  private makeRoom(): void {
    const { entries, txIds, first, changes } = this;
    const mask = entries.length - 1;
    const slots = this.size > changes / 2 ? entries.length * 2 : entries.length;
    this.entries = Array.from({ length: slots }, () => undefined);
    this.txIds = Array.from({ length: slots }, () => 0);
    this.first = 0;
    this.changes = 0;
    for (let index = 0; index < changes; index++) {
      const slot = (first + index) & mask;
      if (!isLastChange(entries[slot]!, txIds[slot]!)) continue;
      this.entries[this.changes] = entries[slot];
      this.txIds[this.changes++] = txIds[slot]!;
    }
  }
}

function isLastChange(entry: Entry, txId: number): boolean {
  return entry.isPinned && entry.changedTxId === txId;
}

const SLOTS_AT_FIRST = 64;
