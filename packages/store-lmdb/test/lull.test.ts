import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '@aep/kernel';
import { Lull } from '@aep/store-lmdb/internal';

describe('the wait of a blocking commit for a lull (S8)', () => {
  void it('ends after two turns in a row that brought nothing, and takes with it what came until then', () => {
    const loop = new Loop();
    loop.lull.await();
    loop.turn(1);
    loop.turn(0);
    loop.turn(1);
    loop.turn(0);
    assert.deepEqual(loop.lulls, []);
    loop.turn(0);
    assert.deepEqual(loop.lulls, [2]);
  });

  void it('never ends in the turn in which it began, and once however often it is asked for', () => {
    const loop = new Loop();
    loop.lull.await();
    loop.lull.await();
    assert.deepEqual(loop.lulls, []);
    for (let turns = 0; turns < 20; turns++) loop.turn(0);
    assert.deepEqual(loop.lulls, [0]);
  });

  void it('ends after eight turns although each of them brought something, and can be asked for again', () => {
    const loop = new Loop();
    for (const end of [8, 16]) {
      loop.lull.await();
      for (let turns = 0; turns < 8; turns++) loop.turn(1);
      assert.equal(loop.lulls.at(-1), end);
    }
  });
});

/** An event loop whose turns bring records or nothing. */
class Loop {
  /** How much had come at the end of each lull. */
  readonly lulls: number[] = [];
  private readonly clock = new VirtualClock();
  private records = 0;
  readonly lull = new Lull(this.clock, {
    progress: () => this.records,
    onLull: () => this.lulls.push(this.records),
  });

  turn(records: number): void {
    this.records += records;
    this.clock.runNext();
  }
}
