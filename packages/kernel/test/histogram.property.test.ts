import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram, SeededRandom } from '@aep/kernel';

const RELATIVE_ERROR_MAX = 1 / 16;

test('a percentile is never below the true one and at most 6.25 % above it', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new SeededRandom(seed);
    const histogram = new Histogram();
    // All magnitudes alike, so that each bucket width is met.
    const values = Array.from({ length: 1 + random.below(2_000) }, () => Math.floor(2 ** (random.float() * 31)));
    for (const value of values) histogram.record(value);
    values.sort((a, b) => a - b);
    for (const percent of [0, 1, 25, 50, 90, 99, 99.9, 100]) {
      const exact = values[Math.max(1, Math.ceil((percent / 100) * values.length)) - 1] ?? Number.NaN;
      const estimate = histogram.percentile(percent);
      const where = `seed ${seed}, p${percent}: exact ${exact}, estimate ${estimate}`;
      assert.ok(estimate >= exact, where);
      assert.ok(estimate <= exact * (1 + RELATIVE_ERROR_MAX), where);
    }
  }
});
