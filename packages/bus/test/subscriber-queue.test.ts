import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Queued, SubscriberQueue } from '@aep/bus/internal';

interface Item extends Queued {
  readonly text: string;
}

function item(text: string, channelName = 'orders', isGuaranteed = true): Item {
  return { text, channelName, isGuaranteed };
}

function texts(queue: SubscriberQueue<Item>): string[] {
  const taken: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next.text);
  return taken;
}

describe('the queue of a subscriber', () => {
  it('is bounded as a whole: parked, ready and taken items count', () => {
    const queue = new SubscriberQueue<Item>(3);
    queue.join('orders');
    assert.ok(queue.offer(item('a')) && queue.offer(item('b')) && queue.offer(item('c', 'events')));
    queue.take();
    assert.ok(queue.isFull);
    assert.equal(queue.offer(item('d')), false);
    assert.equal(queue.acknowledge()?.text, 'a');
    assert.ok(queue.offer(item('d')));
  });

  it('keeps what is not joined apart, and brings it back in order behind what was taken before', () => {
    const queue = new SubscriberQueue<Item>(10);
    queue.join('orders');
    for (const text of ['a', 'b', 'c']) queue.offer(item(text));
    queue.offer(item('tick', 'ticks', false));
    queue.join('ticks');
    queue.take();
    queue.take();
    const dropped: string[] = [];
    queue.reset(
      ({ text, ...rest }) => ({ ...rest, text: `${text} again` }),
      ({ text }) => dropped.push(text),
    );
    queue.offer(item('d'));
    assert.deepEqual(texts(queue), [], 'nothing is joined');
    queue.join('orders');
    queue.join('ticks');
    assert.deepEqual(texts(queue), ['a again', 'b again', 'c', 'd']);
    assert.deepEqual(dropped, ['tick']);
    assert.equal(queue.size, 4);
  });

  it('takes a refused item back to the front', () => {
    const queue = new SubscriberQueue<Item>(10);
    queue.join('orders');
    queue.offer(item('a'));
    queue.offer(item('b'));
    queue.take();
    queue.untake();
    assert.deepEqual(texts(queue), ['a', 'b']);
  });

  it('forgets what waits for a channel that is given up', () => {
    const queue = new SubscriberQueue<Item>(10);
    queue.offer(item('a'));
    queue.offer(item('b', 'events'));
    const removed: string[] = [];
    queue.removeParked('orders', ({ text }) => removed.push(text));
    assert.deepEqual([removed, queue.size], [['a'], 1]);
  });
});
