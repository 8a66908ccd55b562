import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RingQueue } from '@aep/kernel';

test('a full queue answers false and keeps what it has', () => {
  const queue = new RingQueue<string>(2);
  assert.equal(queue.offer('a'), true);
  assert.equal(queue.offer('b'), true);
  assert.equal(queue.offer('c'), false);
  assert.equal(queue.offerFirst('c'), false);
  assert.deepEqual([queue.poll(), queue.poll(), queue.poll()], ['a', 'b', undefined]);
});

test('a polled item is no longer held by the queue', () => {
  const queue = new RingQueue<object>(4);
  queue.offer({});
  queue.poll();
  const slots = (queue as unknown as { slots: unknown[] }).slots;
  assert.ok(slots.every((slot) => slot === undefined));
});

test('a queue without a positive bound is refused', () => {
  for (const bound of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => new RingQueue(bound), { code: 'AEP_ASSERTION' }, String(bound));
  }
});
