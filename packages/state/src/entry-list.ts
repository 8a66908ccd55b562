import { assert } from '@aep/kernel';
import type { Entry } from './entry.js';

/** A doubly linked list through the entries themselves; an entry is on one list at most. Nothing is allocated. */
export class EntryList {
  size = 0;
  head: Entry | undefined = undefined;
  private tail: Entry | undefined = undefined;

  append(entry: Entry): void {
    assert(entry.list === undefined, 'an entry is on one list at most');
    entry.list = this;
    entry.previous = this.tail;
    if (this.tail === undefined) this.head = entry;
    else this.tail.next = entry;
    this.tail = entry;
    this.size++;
  }

  remove(entry: Entry): void {
    assert(entry.list === this, 'an entry is removed from the list it is on');
    const { previous, next } = entry;
    if (previous === undefined) this.head = next;
    else previous.next = next;
    if (next === undefined) this.tail = previous;
    else next.previous = previous;
    entry.list = undefined;
    entry.previous = undefined;
    entry.next = undefined;
    this.size--;
  }
}
