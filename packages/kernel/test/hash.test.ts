import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashString } from '@aep/kernel';

test('hashes are those that earlier versions gave, because stored sender ids depend on them', () => {
  assert.deepEqual(
    ['', 'orders', 'order-processor', 'Ünïcode €'].map((text) => hashString(text)),
    RECORDED,
  );
});

test('hashes are unsigned 32-bit integers', () => {
  for (let index = 0; index < 1_000; index++) {
    const hash = hashString(`name-${index}`);
    assert.ok(Number.isInteger(hash) && hash >= 0 && hash <= 0xffff_ffff);
  }
});

test('short similar names spread evenly over a few shards (E80)', () => {
  const shards = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let index = 0; index < 8_000; index++) shards[hashString(`k${index}`) % 8]!++;
  for (const count of shards) assert.ok(Math.abs(count - 1_000) < 150, shards.join(' '));
});

const RECORDED = [2_872_998_923, 2_069_166_408, 1_713_968_454, 3_867_357_467];
