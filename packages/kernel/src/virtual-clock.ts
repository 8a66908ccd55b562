import { assert } from './assert.js';
import type { Clock, TimerHandle } from './clock.js';

/**
 * A clock that moves only when told to: for tests and simulation. Callbacks due at the same time run in the order
 * in which they were scheduled, so a run is a function of its inputs.
 */
export class VirtualClock implements Clock {
  private nowMs = 0;
  private wallOffsetMs: number;
  private nextOrder = 0;
  private readonly heap: Entry[] = [];

  /** @param wallStartMs wall time at the start, in ms since 1970. @default 2026-01-01T00:00:00Z */
  constructor(wallStartMs: number = Date.UTC(2026, 0, 1)) {
    this.wallOffsetMs = wallStartMs;
  }

  wallMs(): number {
    // Whole milliseconds, as of every clock: what goes into messages and records has no fraction.
    return Math.floor(this.wallOffsetMs + this.nowMs);
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  schedule(delayMs: number, callback: () => void): TimerHandle {
    assert(delayMs >= 0, 'a delay is 0 or more');
    const entry: Entry = { timer: undefined, dueMs: this.nowMs + delayMs, order: this.nextOrder++, callback };
    this.push(entry);
    return entry;
  }

  cancel(handle: TimerHandle): void {
    (handle as Entry).callback = undefined;
  }

  defer(callback: () => void): void {
    this.schedule(0, callback);
  }

  /** The wall time jumps by `deltaMs`; monotonic time and timers do not notice. */
  jumpWall(deltaMs: number): void {
    this.wallOffsetMs += deltaMs;
  }

  /** Callbacks waiting, cancelled ones not counted. */
  get pending(): number {
    return this.heap.reduce((count, entry) => (entry.callback === undefined ? count : count + 1), 0);
  }

  /** Monotonic time at which the next callback is due; Infinity when nothing waits. */
  get nextDueMs(): number {
    for (;;) {
      const next = this.heap[0];
      if (next === undefined) return Infinity;
      if (next.callback !== undefined) return next.dueMs;
      this.pop();
    }
  }

  /** Runs the next due callback and moves the time to it; false when nothing waits. */
  runNext(): boolean {
    for (;;) {
      const entry = this.pop();
      if (entry === undefined) return false;
      const { callback } = entry;
      if (callback === undefined) continue;
      entry.callback = undefined;
      this.nowMs = entry.dueMs;
      callback();
      return true;
    }
  }

  /** Runs all that is due now (what the callbacks defer included); time stands still. Bounded by `stepsMax`. */
  settle(stepsMax = 1_000_000): number {
    return this.runUntil(this.nowMs, stepsMax);
  }

  /** Runs all that falls due in the next `durationMs`, then stands at its end. */
  advance(durationMs: number, stepsMax = 10_000_000): number {
    return this.runUntil(this.nowMs + durationMs, stepsMax);
  }

  private runUntil(endMs: number, stepsMax: number): number {
    let steps = 0;
    for (;;) {
      if (this.nextDueMs > endMs) break;
      assert(steps++ < stepsMax, () => `virtual time does not get past ${this.nowMs} ms: ${stepsMax} callbacks ran`);
      this.runNext();
    }
    this.nowMs = endMs;
    return steps;
  }

  private push(entry: Entry): void {
    const heap = this.heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent]!, entry)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  private pop(): Entry | undefined {
    const heap = this.heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

interface Entry extends TimerHandle {
  dueMs: number;
  order: number;
  callback: (() => void) | undefined;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
