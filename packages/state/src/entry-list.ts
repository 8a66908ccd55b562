import { assert } from '@aep/kernel';
import type { Entry } from './entry.js';

/** The pinned entries: a doubly linked list through the entries themselves, so that nothing is allocated. */
export class EntryList {
  size = 0;
  head: Entry | undefined = undefined;
  private tail: Entry | undefined = undefined;

  append(entry: Entry): void {
    assert(!entry.isPinned, 'an entry is on the list once');
    entry.isPinned = true;
    entry.previous = this.tail;
    if (this.tail === undefined) this.head = entry;
    else this.tail.next = entry;
    this.tail = entry;
    this.size++;
  }

  remove(entry: Entry): void {
    assert(entry.isPinned, 'an entry that is removed is on the list');
    const { previous, next } = entry;
    if (previous === undefined) this.head = next;
    else previous.next = next;
    if (next === undefined) this.tail = previous;
    else next.previous = previous;
    entry.isPinned = false;
    entry.previous = undefined;
    entry.next = undefined;
    this.size--;
  }
}
