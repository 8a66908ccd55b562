import { assert } from './assert.js';

/**
 * A first-in first-out queue with a fixed bound. Full is an answer, not an error: `offer` returns false and the caller
 * turns that into back-pressure. Storage grows by doubling up to the bound and is reused.
 */
export class RingQueue<T> {
  readonly capacityMax: number;
  private slots: (T | undefined)[];
  private head = 0;
  private count = 0;

  constructor(capacityMax: number) {
    assert(Number.isInteger(capacityMax) && capacityMax > 0, 'a queue has a positive bound');
    this.capacityMax = capacityMax;
    this.slots = Array.from({ length: powerOfTwo(Math.min(capacityMax, 16)) }, () => undefined);
  }

  get size(): number {
    return this.count;
  }

  get isFull(): boolean {
    return this.count >= this.capacityMax;
  }

  /** False when the queue is full; the item is then still the caller's. */
  offer(item: T): boolean {
    if (this.count >= this.capacityMax) return false;
    if (this.count === this.slots.length) this.grow();
    this.slots[(this.head + this.count) & (this.slots.length - 1)] = item;
    this.count++;
    return true;
  }

  /** Puts an item in front of all others, for work that must not wait. False when full. */
  offerFirst(item: T): boolean {
    if (this.count >= this.capacityMax) return false;
    if (this.count === this.slots.length) this.grow();
    this.head = (this.head - 1) & (this.slots.length - 1);
    this.slots[this.head] = item;
    this.count++;
    return true;
  }

  poll(): T | undefined {
    if (this.count === 0) return undefined;
    const item = this.slots[this.head];
    this.slots[this.head] = undefined;
    this.head = (this.head + 1) & (this.slots.length - 1);
    this.count--;
    return item;
  }

  /** Takes back the item that was offered last. */
  pollLast(): T | undefined {
    if (this.count === 0) return undefined;
    const index = (this.head + this.count - 1) & (this.slots.length - 1);
    const item = this.slots[index];
    this.slots[index] = undefined;
    this.count--;
    return item;
  }

  peek(): T | undefined {
    return this.count === 0 ? undefined : this.slots[this.head];
  }

  /** The item `index` places behind the head; undefined past the end. */
  at(index: number): T | undefined {
    return index < 0 || index >= this.count ? undefined : this.slots[(this.head + index) & (this.slots.length - 1)];
  }

  clear(): void {
    while (this.count > 0) this.poll();
  }

  private grow(): void {
    const items = this.slots;
    const mask = items.length - 1;
    const grown: (T | undefined)[] = Array.from({ length: items.length * 2 }, () => undefined);
    for (let index = 0; index < this.count; index++) grown[index] = items[(this.head + index) & mask];
    this.slots = grown;
    this.head = 0;
  }
}

function powerOfTwo(least: number): number {
  let size = 1;
  while (size < least) size *= 2;
  return size;
}
