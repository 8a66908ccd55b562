import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AepError, SeededRandom, VirtualClock } from '@aep/kernel';

test('callbacks run in order of their due time, and in order of scheduling when due together', () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  clock.schedule(5, () => ran.push('five'));
  clock.schedule(1, () => ran.push('one'));
  clock.schedule(5, () => ran.push('five again'));
  clock.defer(() => ran.push('now'));
  clock.advance(5);
  assert.deepEqual(ran, ['now', 'one', 'five', 'five again']);
});

test('time stands at the due time while a callback runs, and at the end after an advance; wall time has no fraction', () => {
  const clock = new VirtualClock(1_000);
  const seen: number[] = [];
  clock.schedule(2.5, () => seen.push(clock.monotonicMs(), clock.wallMs()));
  clock.advance(10);
  assert.deepEqual(seen, [2.5, 1_002]);
  assert.equal(clock.monotonicMs(), 10);
});

test('settle runs what callbacks defer and lets no time pass', () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  clock.defer(() => {
    ran.push('outer');
    clock.defer(() => ran.push('inner'));
    clock.schedule(1, () => ran.push('later'));
  });
  assert.equal(clock.settle(), 2);
  assert.deepEqual(ran, ['outer', 'inner']);
  assert.equal(clock.monotonicMs(), 0);
  assert.equal(clock.pending, 1);
});

test('a cancelled callback does not run; cancelling a fired or cancelled one is ignored', () => {
  const clock = new VirtualClock();
  let runs = 0;
  const fired = clock.schedule(1, () => runs++);
  const cancelled = clock.schedule(2, () => runs++);
  clock.cancel(cancelled);
  clock.cancel(cancelled);
  assert.equal(clock.pending, 1);
  clock.advance(5);
  clock.cancel(fired);
  assert.equal(runs, 1);
  assert.equal(clock.runNext(), false);
});

test('a jump of the wall moves neither monotonic time nor timers', () => {
  const clock = new VirtualClock(0);
  let runs = 0;
  clock.schedule(10, () => runs++);
  clock.jumpWall(-3_600_000);
  clock.advance(9);
  assert.equal(runs, 0);
  assert.equal(clock.wallMs(), 9 - 3_600_000);
  clock.advance(1);
  assert.equal(runs, 1);
});

test('callbacks that never let time pass are stopped by the bound', () => {
  const clock = new VirtualClock();
  const again = (): void => clock.defer(again);
  again();
  assert.throws(
    () => clock.settle(100),
    (error) => error instanceof AepError && error.code === 'AEP_ASSERTION' && error.message.includes('100 callbacks'),
  );
});

test('a negative delay is refused', () => {
  const refusal = { code: 'AEP_ASSERTION' };
  assert.throws(() => new VirtualClock().schedule(-1, () => undefined), refusal);
  assert.throws(() => new VirtualClock().schedule(Number.NaN, () => undefined), refusal);
});

test('a thousand random timers with cancellations fire like a sorted list', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed);
    const clock = new VirtualClock();
    const expected: { dueMs: number; order: number }[] = [];
    const ran: number[] = [];
    for (let order = 0; order < 1_000; order++) {
      const dueMs = random.below(50);
      const handle = clock.schedule(dueMs, () => ran.push(order));
      if (random.below(4) === 0) clock.cancel(handle);
      else expected.push({ dueMs, order });
    }
    clock.advance(50);
    expected.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order);
    assert.deepEqual(
      ran,
      expected.map((entry) => entry.order),
      `seed ${seed}`,
    );
  }
});

test('nextDueMs tells when the next callback is due, cancelled ones left out', () => {
  const clock = new VirtualClock();
  assert.equal(clock.nextDueMs, Infinity);
  const first = clock.schedule(5, () => undefined);
  clock.schedule(9, () => undefined);
  assert.equal(clock.nextDueMs, 5);
  clock.cancel(first);
  assert.equal(clock.nextDueMs, 9);
  clock.advance(9);
  assert.equal(clock.nextDueMs, Infinity);
});
