import type { RangeBytes, TableEntry } from './tables.js';

/**
 * Keys in byte order with their values, in two arrays: for the in-memory store and for folds of a time in the past.
 * An insertion moves what lies behind it, so it is for tests and tools, up to some hundred thousand entries.
 */
export class SortedTable {
  private keys: Uint8Array[] = [];
  private values: Uint8Array[] = [];

  get size(): number {
    return this.keys.length;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const index = this.lowerBound(key);
    return this.isAt(index, key) ? this.values[index] : undefined;
  }

  /** Key and value are copied. */
  put(key: Uint8Array, value: Uint8Array): void {
    const index = this.lowerBound(key);
    if (this.isAt(index, key)) {
      this.values[index] = value.slice();
      return;
    }
    this.keys.splice(index, 0, key.slice());
    this.values.splice(index, 0, value.slice());
  }

  delete(key: Uint8Array): void {
    const index = this.lowerBound(key);
    if (!this.isAt(index, key)) return;
    this.keys.splice(index, 1);
    this.values.splice(index, 1);
  }

  /** A copy that later changes do not touch; entries are shared, because they are never changed in place. */
  fork(): SortedTable {
    const copy = new SortedTable();
    copy.keys = [...this.keys];
    copy.values = [...this.values];
    return copy;
  }

  *range(options: RangeBytes = {}): IterableIterator<TableEntry> {
    const { gte, gt, lte, lt, reverse = false, limit = Infinity } = options;
    let from = 0;
    if (gte !== undefined) from = Math.max(from, this.lowerBound(gte));
    if (gt !== undefined) from = Math.max(from, this.upperBound(gt));
    let to = this.keys.length;
    if (lte !== undefined) to = Math.min(to, this.upperBound(lte));
    if (lt !== undefined) to = Math.min(to, this.lowerBound(lt));
    const count = Math.min(to - from, limit);
    // The arrays as of now: what changes while the consumer pauses is not seen.
    const keys = this.keys.slice(from, Math.max(from, to));
    const values = this.values.slice(from, Math.max(from, to));
    for (let step = 0; step < count; step++) {
      const index = reverse ? keys.length - 1 - step : step;
      yield { key: keys[index]!.slice(), value: values[index]!.slice() };
    }
  }

  private isAt(index: number, key: Uint8Array): boolean {
    const found = this.keys[index];
    return found !== undefined && Buffer.compare(found, key) === 0;
  }

  private lowerBound(key: Uint8Array): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Buffer.compare(this.keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private upperBound(key: Uint8Array): number {
    const index = this.lowerBound(key);
    return this.isAt(index, key) ? index + 1 : index;
  }
}
