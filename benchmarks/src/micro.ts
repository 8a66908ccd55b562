import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { measure } from 'mitata';

/** Median time of one call in nanoseconds, warmed up, over at least half a second of samples at scale 1. */
export async function nanosecondsOf(call: () => unknown, scale: number): Promise<number> {
  const stats = await measure(call, { min_cpu_time: 500_000_000 * scale });
  return stats.p50;
}

const HEAP_ROUNDS = 25;
const HEAP_CALLS = 4_000;

/**
 * Bytes of heap that one call takes: how much the heap grows over some thousand of them, which is little enough that no
 * collection comes between; the median of several rounds, after the code has become hot.
 */
export function heapBytesOf(call: () => unknown): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let warmUp = 0; warmUp < 10 * HEAP_CALLS; warmUp++) call();
  const rounds: number[] = [];
  for (let round = 0; round < HEAP_ROUNDS; round++) {
    collect();
    const before = getHeapStatistics().used_heap_size;
    for (let index = 0; index < HEAP_CALLS; index++) call();
    rounds.push((getHeapStatistics().used_heap_size - before) / HEAP_CALLS);
  }
  return median(rounds);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)]!;
  return sorted.length % 2 === 1 ? upper : (upper + sorted[sorted.length / 2 - 1]!) / 2;
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** Rounded to three significant digits: more would claim a precision that a shared machine does not have. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
