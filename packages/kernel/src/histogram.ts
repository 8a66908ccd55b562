/**
 * A log-linear histogram of durations or sizes: 16 sub-buckets per power of two, so a percentile is off by at most
 * 6.25 %. Recording is one array increment; a histogram that holds anything takes 3.5 KiB. Values are clamped to [0, 2^31).
 */
export class Histogram {
  private counts = NO_COUNTS;
  private total = 0;
  private sum = 0;
  private highest = 0;

  record(value: number): void {
    const clamped = value > 0 ? Math.min(value, LIMIT - 1) : 0; // NaN, which no clock should give, counts as 0
    if (this.counts === NO_COUNTS) this.counts = new Float64Array(BUCKETS);
    this.counts[bucketOf(Math.round(clamped))]!++;
    this.total++;
    this.sum += clamped;
    if (clamped > this.highest) this.highest = clamped;
  }

  get count(): number {
    return this.total;
  }

  get mean(): number {
    return this.total === 0 ? 0 : this.sum / this.total;
  }

  get max(): number {
    return this.highest;
  }

  get sumOfAll(): number {
    return this.sum;
  }

  /** The value below which `percent` (0..100) of the recorded ones lie: the upper edge of its bucket; 0 when empty. */
  percentile(percent: number): number {
    if (this.total === 0) return 0;
    const rank = Math.max(1, Math.ceil((percent / 100) * this.total));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.counts[bucket]!;
      if (seen >= rank) return Math.min(upperEdge(bucket), this.highest);
    }
    return this.highest;
  }

  reset(): void {
    this.counts.fill(0);
    this.total = 0;
    this.sum = 0;
    this.highest = 0;
  }
}

/** Of a histogram that nothing was recorded in: there are many, and most stay so. */
const NO_COUNTS = new Float64Array(0);
const SUB_BITS = 4;
const SUB = 1 << SUB_BITS;
const LIMIT = 2 ** 31;
const BUCKETS = (31 - SUB_BITS + 1) * SUB;

function bucketOf(value: number): number {
  if (value < SUB) return value;
  const shift = 31 - Math.clz32(value) - SUB_BITS;
  return (shift << SUB_BITS) + (value >>> shift);
}

function upperEdge(bucket: number): number {
  if (bucket < 2 * SUB) return bucket;
  const shift = (bucket >>> SUB_BITS) - 1;
  // Not a shift: the last bucket's edge is 2^31, which would turn negative.
  return ((bucket & (SUB - 1)) + SUB + 1) * 2 ** shift - 1;
}
