import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RingQueue, SeededRandom } from '@aep/kernel';

test('a queue behaves like a bounded array under random use', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new SeededRandom(seed);
    const capacityMax = 1 + random.below(70);
    const queue = new RingQueue<number>(capacityMax);
    const model: number[] = [];
    for (let step = 0; step < 500; step++) {
      runStep(random.below(20), step, queue, model);
      assertSame(queue, model, `seed ${seed}, step ${step}`);
    }
  }
});

function runStep(choice: number, item: number, queue: RingQueue<number>, model: number[]): void {
  const fits = model.length < queue.capacityMax;
  if (choice < 9) {
    assert.equal(queue.offer(item), fits);
    if (fits) model.push(item);
  } else if (choice < 12) {
    assert.equal(queue.offerFirst(item), fits);
    if (fits) model.unshift(item);
  } else if (choice < 17) {
    assert.equal(queue.poll(), model.shift());
  } else if (choice < 19) {
    assert.equal(queue.pollLast(), model.pop());
  } else {
    queue.clear();
    model.length = 0;
  }
}

function assertSame(queue: RingQueue<number>, model: readonly number[], where: string): void {
  const items = Array.from({ length: queue.size }, (_, index) => queue.at(index));
  assert.deepEqual(items, model, where);
  assert.equal(queue.peek(), model[0], where);
  assert.equal(queue.isFull, model.length === queue.capacityMax, where);
  assert.equal(queue.at(model.length), undefined, where);
  assert.equal(queue.at(-1), undefined, where);
}
