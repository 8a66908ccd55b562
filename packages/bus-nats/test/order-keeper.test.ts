import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderKeeper } from '@aep/bus-nats/internal';

/** A keeper, a consumer that numbers its deliveries, and an engine that takes what it is given. */
class Scene {
  readonly keeper = new OrderKeeper();
  private deliverySeq = 0;

  begin(deliverySeq = 0): void {
    this.deliverySeq = deliverySeq;
    this.keeper.begin({ deliverySeq });
  }

  /** What becomes of the delivery of this message. */
  deliver(streamSeq: number, storedAtNs = streamSeq * 1000): string {
    const verdict = this.keeper.accept({ streamSeq, deliverySeq: ++this.deliverySeq, attempts: 1, storedAtNs });
    if (verdict === 'deliver') this.keeper.onGiven({ streamSeq, storedAtNs });
    return verdict;
  }

  lose(): void {
    this.deliverySeq++;
  }
}

test('messages of a stream go through in order, with gaps where others do not concern this consumer', () => {
  const scene = new Scene();
  scene.begin();
  assert.deepEqual(
    [1, 2, 5, 9].map((seq) => scene.deliver(seq)),
    ['deliver', 'deliver', 'deliver', 'deliver'],
  );
});

test('a missing delivery ends the session: what comes behind it must not overtake it', () => {
  const scene = new Scene();
  scene.begin();
  scene.deliver(1);
  scene.lose();
  assert.equal(scene.deliver(3), 'gap');
  assert.equal(scene.deliver(4), 'gap', 'nothing of that session counts any more');
  scene.begin();
  assert.deepEqual(
    [2, 3].map((seq) => scene.deliver(seq)),
    ['deliver', 'deliver'],
  );
});

test('a new session knows what the engine has, and what it has acknowledged', () => {
  const scene = new Scene();
  scene.begin();
  for (const seq of [1, 2, 3]) scene.deliver(seq);
  scene.keeper.onAcknowledged(2);
  scene.begin();
  assert.deepEqual(
    [1, 2, 3, 4].map((seq) => scene.deliver(seq)),
    ['acknowledged', 'acknowledged', 'known', 'deliver'],
  );
});

test('what was let through and refused by the engine comes again in the next session', () => {
  const scene = new Scene();
  scene.begin();
  scene.deliver(1);
  scene.deliver(2);
  scene.keeper.onRefused();
  scene.begin();
  assert.deepEqual(
    [1, 2].map((seq) => scene.deliver(seq)),
    ['known', 'deliver'],
  );
});

test('another message under a known number shows that the stream was made anew', () => {
  const scene = new Scene();
  scene.begin();
  for (const seq of [1, 2, 3]) scene.deliver(seq);
  scene.keeper.onAcknowledged(3);
  scene.begin();
  assert.equal(scene.deliver(1, 99_000), 'replaced');
  scene.keeper.forget();
  scene.begin();
  assert.deepEqual(
    [1, 2].map((seq) => scene.deliver(seq, 99_000 + seq)),
    ['deliver', 'deliver'],
  );
  scene.keeper.onAcknowledged(3);
  scene.begin();
  assert.equal(scene.deliver(1, 99_001), 'known', 'an acknowledgement of before says nothing about what is there now');
});
