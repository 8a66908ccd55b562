import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProcessClock, VirtualClock } from '@aep/kernel';

describe('the clock of a simulated process', () => {
  void it('lets nothing happen that a killed process had planned', () => {
    const world = new VirtualClock();
    const clock = new ProcessClock(world);
    const happened: string[] = [];
    clock.schedule(10, () => happened.push('timer'));
    clock.defer(() => happened.push('deferred'));
    clock.kill();
    clock.run(() => happened.push('from outside'));
    world.advance(100);
    assert.deepEqual(happened, []);
    assert.equal(clock.isDead, true);
  });

  void it('keeps what falls due during a pause, and runs it in its order afterwards', () => {
    const world = new VirtualClock();
    const clock = new ProcessClock(world);
    const happened: string[] = [];
    clock.schedule(20, () => happened.push('second'));
    clock.schedule(10, () => happened.push('first'));
    clock.pause();
    world.advance(100);
    assert.deepEqual(happened, []);
    clock.resume();
    world.advance(1);
    assert.deepEqual(happened, ['first', 'second']);
  });

  void it('tells what nobody catches to its owner, or else to whoever moves the time', () => {
    const world = new VirtualClock();
    const uncaught: unknown[] = [];
    const broken = (): void => {
      throw new Error('broken');
    };
    new ProcessClock(world, (error) => uncaught.push(error)).defer(broken);
    world.advance(1);
    assert.equal((uncaught[0] as Error).message, 'broken');
    new ProcessClock(world).defer(broken);
    assert.throws(() => world.advance(1), /broken/);
  });
});
