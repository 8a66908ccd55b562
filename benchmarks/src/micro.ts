import { measure } from 'mitata';

/** Median time of one call in nanoseconds, warmed up, over at least half a second of samples. */
export async function nanosecondsOf(call: () => unknown): Promise<number> {
  const stats = await measure(call, { min_cpu_time: 500_000_000 });
  return stats.p50;
}

/** Rounded to three significant digits: more would claim a precision that a shared machine does not have. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
