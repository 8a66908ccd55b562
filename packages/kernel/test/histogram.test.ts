import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '@aep/kernel';

test('values below 32 are counted exactly', () => {
  for (let value = 0; value < 32; value++) {
    const histogram = new Histogram();
    histogram.record(value);
    histogram.record(1_000);
    assert.equal(histogram.percentile(50), value);
  }
});

test('count, mean, sum and max are of the recorded values, not of their buckets', () => {
  const histogram = new Histogram();
  for (const value of [1, 2.5, 1_000_003]) histogram.record(value);
  assert.equal(histogram.count, 3);
  assert.equal(histogram.sumOfAll, 1_000_006.5);
  assert.equal(histogram.mean, 1_000_006.5 / 3);
  assert.equal(histogram.max, 1_000_003);
  assert.equal(histogram.percentile(100), 1_000_003);
});

test('values outside the range are clamped to it', () => {
  const histogram = new Histogram();
  histogram.record(-5);
  assert.equal(histogram.max, 0);
  histogram.record(2 ** 40);
  assert.equal(histogram.max, 2 ** 31 - 1);
  assert.equal(histogram.percentile(100), 2 ** 31 - 1);
  const edge = new Histogram();
  edge.record(2 ** 31 - 0.5);
  edge.record(Number.NaN);
  assert.equal(edge.percentile(100), 2 ** 31 - 1);
  assert.equal(edge.percentile(50), 0);
  assert.equal(edge.mean, (2 ** 31 - 1) / 2);
});

test('an empty histogram and a reset one answer 0', () => {
  const histogram = new Histogram();
  assert.deepEqual([histogram.count, histogram.mean, histogram.max, histogram.percentile(99)], [0, 0, 0, 0]);
  histogram.record(7);
  histogram.reset();
  assert.deepEqual([histogram.count, histogram.sumOfAll, histogram.max, histogram.percentile(99)], [0, 0, 0, 0]);
});
