import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AepError, type Clock, Histogram, RingQueue, VirtualClock } from '@aep/kernel';

// The example of README.md; the test below keeps it true.
class Heartbeats {
  readonly waiting = new RingQueue<string>(2);
  readonly gapsMs = new Histogram();
  private lastMs: number;

  constructor(private readonly clock: Clock) {
    this.lastMs = clock.monotonicMs();
    clock.schedule(100, () => this.beat());
  }

  private beat(): void {
    const nowMs = this.clock.monotonicMs();
    this.gapsMs.record(nowMs - this.lastMs);
    this.lastMs = nowMs;
    if (!this.waiting.offer(`beat at ${nowMs}`)) {
      throw new AepError('AEP_BEATS_UNREAD', 'retry', 'two heartbeats wait unread: read them', { waitingMax: 2 });
    }
    this.clock.schedule(100, () => this.beat());
  }
}

test('the example of the README runs', () => {
  const clock = new VirtualClock();
  const beats = new Heartbeats(clock);
  clock.advance(250);
  assert.equal(beats.waiting.size, 2);
  assert.equal(beats.gapsMs.percentile(99), 100);
  assert.throws(() => clock.advance(100), { code: 'AEP_BEATS_UNREAD', advice: 'retry' });
});
