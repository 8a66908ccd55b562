import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ObjectPool } from '@aep/kernel';

test('an object that was given back is taken again', () => {
  const pool = new ObjectPool(() => ({}));
  const item = pool.take();
  pool.give(item);
  assert.equal(pool.take(), item);
  assert.equal(pool.misses, 1);
  assert.equal(pool.outstanding, 1);
});

test('an empty pool makes objects and counts the misses', () => {
  const pool = new ObjectPool(() => ({}));
  assert.notEqual(pool.take(), pool.take());
  assert.equal(pool.misses, 2);
  assert.equal(pool.outstanding, 2);
});

test('at its bound a pool leaves returned objects to the garbage collector', () => {
  const pool = new ObjectPool(() => ({}), 2);
  const items = [pool.take(), pool.take(), pool.take()];
  for (const item of items) pool.give(item);
  assert.equal(pool.idleCount, 2);
  assert.equal(pool.outstanding, 0);
});
