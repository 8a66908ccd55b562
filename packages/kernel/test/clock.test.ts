import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { SystemClock } from '@aep/kernel';

test('a timer does not fire before its delay has passed on the monotonic clock', async () => {
  const clock = new SystemClock();
  const startMs = clock.monotonicMs();
  // The clock's own timers do not keep the process alive, so this one does.
  const alive = setTimeout(() => undefined, 5_000);
  await new Promise<void>((resolve) => clock.schedule(20, resolve));
  clearTimeout(alive);
  // setTimeout counts whole milliseconds, so it may fire up to one early.
  assert.ok(clock.monotonicMs() - startMs >= 19);
});

test('a delay longer than a timeout can hold is walked in steps and can be cancelled in each', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  const now = mock.method(performance, 'now', () => nowMs);
  try {
    const clock = new SystemClock();
    let fired = 0;
    const thirtyDaysMs = 30 * 86_400_000;
    clock.schedule(thirtyDaysMs, () => fired++);
    const cancelled = clock.schedule(thirtyDaysMs, () => fired++);
    const pass = (ms: number): void => {
      nowMs += ms;
      mock.timers.tick(ms);
    };
    pass(2_147_483_647);
    assert.equal(fired, 0);
    clock.cancel(cancelled);
    pass(thirtyDaysMs - 2_147_483_647 - 1);
    assert.equal(fired, 0);
    pass(1);
    assert.equal(fired, 1);
  } finally {
    now.mock.restore();
    mock.timers.reset();
  }
});

test('deferred callbacks keep their order and run after the current turn', async () => {
  const clock = new SystemClock();
  const ran: string[] = [];
  clock.defer(() => ran.push('first'));
  clock.defer(() => ran.push('second'));
  ran.push('turn');
  await new Promise<void>((resolve) => clock.defer(resolve));
  assert.deepEqual(ran, ['turn', 'first', 'second']);
});

test('a cancelled timer does not fire', async () => {
  const clock = new SystemClock();
  let fired = false;
  clock.cancel(clock.schedule(1, () => (fired = true)));
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(fired, false);
});

test('the wall time is that of the system', () => {
  assert.ok(Math.abs(new SystemClock().wallMs() - Date.now()) < 1_000);
});
