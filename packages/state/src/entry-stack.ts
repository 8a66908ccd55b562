import type { Entry } from './entry.js';

/**
 * A stack of entries that keeps its storage from one transaction to the next: an array set to length 0 gives it up, and
 * the next push would allocate.
 */
export class EntryStack {
  size = 0;
  private items: Entry[] = [];

  push(entry: Entry): void {
    this.items[this.size++] = entry;
  }

  at(index: number): Entry {
    return this.items[index]!;
  }

  pop(): Entry {
    return this.items[--this.size]!;
  }

  /** References past `size` stay until they are overwritten; after a large transaction the storage is given back. */
  clear(): void {
    this.size = 0;
    if (this.items.length > KEPT_MAX) this.items = [];
  }
}

const KEPT_MAX = 4096;
