import { measure } from 'mitata';

/** Median time of one call in nanoseconds, warmed up, over at least half a second of samples at scale 1. */
export async function nanosecondsOf(call: () => unknown, scale: number): Promise<number> {
  const stats = await measure(call, { min_cpu_time: 500_000_000 * scale });
  return stats.p50;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)]!;
  return sorted.length % 2 === 1 ? upper : (upper + sorted[sorted.length / 2 - 1]!) / 2;
}

/** Rounded to three significant digits: more would claim a precision that a shared machine does not have. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
