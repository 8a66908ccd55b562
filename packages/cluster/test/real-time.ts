import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Arbiter } from '@aep/cluster';

/** The half of a harness that time is: real time, and the arbiters that are to be closed in the end. */
export class RealTime {
  protected readonly arbiters = new Set<Arbiter>();

  async waitUntil(condition: () => boolean): Promise<void> {
    for (let waitedMs = 0; !condition(); waitedMs += 2) {
      assert.ok(waitedMs < 20_000, 'waited 20 s in vain');
      await delay(2);
    }
  }

  async pause(ms: number): Promise<void> {
    await delay(ms);
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.arbiters].map((arbiter) => new Promise<void>((resolve) => arbiter.close(resolve))));
  }
}
