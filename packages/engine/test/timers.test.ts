import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineApp, type Schedule } from '@aep/engine';
import { SeededRandom } from '@aep/kernel';
import { deposit } from './bank-apps.js';
import { Bank, BankFactory, Deposit } from './gen/bank.js';
import { rejection, TellerWorld } from './teller-world.js';

/** Schedules what the instruction of a deposit says, and books what timers bring. */
function scheduler(fired: string[] = []) {
  return defineApp({ name: 'teller', state: Bank, factories: [BankFactory] }).on(
    Deposit,
    (message, { state, engine, event }) => {
      const { account, amount, instruction } = message;
      if (event.origin === 'timer') {
        fired.push(account);
        state.deposits++;
        state.accounts.getOrCreate(account).balance++;
        return;
      }
      if (instruction === 'cancel') fired.push(`cancel ${account} ${engine.cancel(account)}`);
      else engine.schedule(deposit(account, amount), { id: account, ...(JSON.parse(instruction) as Schedule) });
    },
  );
}

async function scheduling(schedules: Record<string, Schedule>) {
  const fired: string[] = [];
  const teller = await new TellerWorld(scheduler(fired)).start();
  for (const [id, schedule] of Object.entries(schedules)) teller.bus.deliver(deposit(id, 1, JSON.stringify(schedule)));
  await teller.idle();
  return { fired, teller };
}

const START = Date.UTC(2026, 0, 1);

test('a delay, a wall time, a period and a cron expression fall due on the clock (E63)', async () => {
  const { fired, teller } = await scheduling({
    delay: { delayMs: 1_500 },
    at: { at: START + 2_500 },
    every: { every: 1_000 },
    cron: { cron: '0/2 * * * * ?' },
  });
  await teller.world.advance(4_200);
  await teller.idle();
  assert.deepEqual([...fired].sort(), ['at', 'cron', 'cron', 'delay', 'every', 'every', 'every', 'every']);
  assert.deepEqual(fired.slice(0, 2), ['every', 'delay']);
  assert.deepEqual(teller.engine.timers.map((timer) => timer.id).sort(), ['cron', 'every']);
  await teller.world.run(teller.engine.stop());
});

test('timers survive a crash, and due times that were missed come one after another (E63)', async () => {
  const { teller } = await scheduling({ once: { delayMs: 5_000 }, every: { every: 1_000 } });
  teller.world.crash('lost');
  teller.clock.advance(6_500);
  const fired: string[] = [];
  teller.app = scheduler(fired);
  await teller.start();
  await teller.idle();
  assert.deepEqual([...fired].sort(), [...Array<string>(6).fill('every'), 'once']);
  await teller.world.run(teller.engine.stop());
});

test('a timer can be cancelled and replaced, also in the transaction that made it (E63)', async () => {
  const fired: string[] = [];
  const app = scheduler(fired);
  const teller = await new TellerWorld(app).start();
  const schedule = (id: string, delayMs: number) => teller.bus.deliver(deposit(id, 1, JSON.stringify({ delayMs })));
  schedule('a', 100);
  schedule('b', 100);
  schedule('b', 5_000);
  teller.bus.deliver(deposit('a', 1, 'cancel'));
  teller.bus.deliver(deposit('none', 1, 'cancel'));
  await teller.world.advance(1_000);
  assert.deepEqual(fired, ['cancel a true', 'cancel none false']);
  await teller.world.advance(5_000);
  assert.deepEqual(fired.slice(2), ['b']);
  await teller.world.run(teller.engine.stop());
});

test('a timer that was cancelled after it fell due, and before its turn, does nothing (E63)', async () => {
  const { fired, teller } = await scheduling({ a: { delayMs: 1_000 } });
  const leftMs = START + 1_000 - teller.clock.wallMs();
  teller.clock.schedule(leftMs, () => void teller.engine.inject(deposit('a', 1, 'cancel'), { priority: true }));
  await teller.world.advance(1_100);
  assert.deepEqual([fired, teller.engine.timers], [['cancel a true'], []]);
  await teller.world.run(teller.engine.stop());
});

test('after a restart, too, a jump of the wall clock does not move a duration (E63)', async () => {
  const { teller } = await scheduling({ delay: { delayMs: 10_000 } });
  const fired: string[] = [];
  await teller.restart(scheduler(fired));
  teller.clock.jumpWall(-100_000);
  await teller.world.advance(10_100);
  assert.deepEqual(fired, ['delay']);
  await teller.world.run(teller.engine.stop());
});

test('a jump of the wall clock moves wall times, not durations (E63)', async () => {
  const { fired, teller } = await scheduling({
    at: { at: START + 300_000 },
    delay: { delayMs: 300_000 },
    every: { every: 200_000 },
  });
  teller.clock.jumpWall(250_000);
  await teller.world.advance(120_000);
  assert.deepEqual(fired, ['at']);
  teller.clock.jumpWall(-400_000);
  await teller.world.advance(70_000);
  assert.deepEqual(fired, ['at']);
  await teller.world.advance(120_000);
  assert.deepEqual(fired, ['at', 'every', 'delay']);
  await teller.world.run(teller.engine.stop());
});

test('a wall time that a jump back moved away does not fire early (E63)', async () => {
  const { fired, teller } = await scheduling({ at: { at: START + 10_000 } });
  await teller.world.advance(5_000);
  teller.clock.jumpWall(-20_000);
  await teller.world.advance(20_000);
  assert.deepEqual(fired, []);
  await teller.world.advance(5_100);
  assert.deepEqual(fired, ['at']);
  await teller.world.run(teller.engine.stop());
});

test('a timer whose handler fails for good is consumed together with its dead letter (E20, E63)', async () => {
  const app = defineApp({ name: 'teller', state: Bank, factories: [BankFactory] }).on(
    Deposit,
    (_message, { engine, event }) => {
      if (event.origin === 'timer') throw new Error('no');
      engine.schedule(deposit('t', 1), { delayMs: 10, id: 't' });
    },
  );
  const teller = await new TellerWorld(app).start({ policies: { retriesMax: 1 } });
  teller.bus.deliver(deposit('a', 1));
  await teller.world.advance(5_000);
  assert.deepEqual(
    teller.engine.deadLetters.list().map((letter) => letter.origin),
    ['timer:t'],
  );
  assert.deepEqual(teller.engine.timers, []);
  await teller.world.run(teller.engine.stop());
});

for (const [title, schedule] of [
  ['no time', {}],
  ['two times', { delayMs: 1, every: 1 }],
  ['a negative delay', { delayMs: -1 }],
  ['a period of 0', { every: 0 }],
  ['a wall time that is none', { at: NaN }],
  ['a broken cron expression', { cron: 'now and then' }],
  ['an id that is too long', { delayMs: 1, id: 'x'.repeat(300) }],
] as const) {
  test(`a schedule with ${title} is refused (E63)`, async () => {
    const codes: unknown[] = [];
    const app = defineApp({ name: 'teller', factories: [BankFactory] }).on(Deposit, (_message, { engine }) => {
      try {
        engine.schedule(deposit('t', 1), schedule);
      } catch (error) {
        codes.push((error as { code: string }).code);
      }
    });
    const teller = await new TellerWorld(app).start();
    teller.bus.deliver(deposit('a', 1));
    await teller.idle();
    assert.deepEqual(codes, ['AEP_SCHEDULE_INVALID']);
    await teller.world.run(teller.engine.stop());
  });
}

test('at timersMax a schedule is refused, counting those of the open transaction (E63)', async () => {
  const codes: unknown[] = [];
  const app = defineApp({ name: 'teller', factories: [BankFactory] }).on(Deposit, (_message, { engine }) => {
    for (let n = 0; n < 4; n++)
      try {
        engine.schedule(deposit('t', 1), { delayMs: 1e6, id: `t${n}` });
      } catch (error) {
        codes.push((error as { code: string }).code);
      }
  });
  const teller = await new TellerWorld(app).start({ limits: { timersMax: 3 } });
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  assert.deepEqual([codes, teller.engine.timers.length], [['AEP_TIMERS_FULL'], 3]);
  await teller.world.run(teller.engine.stop());
});

test('a timer whose message type is gone stops the start and says what to do (E63)', async () => {
  const { teller } = await scheduling({ a: { delayMs: 1e6 } });
  teller.world.crash('lost');
  const error = await rejection(
    teller.world.run(teller.make({ app: defineApp({ name: 'teller' }), buses: [] }).start()),
  );
  assert.equal(error.code, 'AEP_TIMER_TYPE_UNKNOWN');
});

const SEEDS = Number(process.env['AEP_SIM_SEEDS'] ?? 30);

test(`timers take effect exactly once per due time through random crashes, seeds 1 to ${SEEDS} (E63)`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SeededRandom(seed);
    const teller = new TellerWorld(scheduler(), seed);
    await teller.start();
    teller.bus.deliver(deposit('every', 1, JSON.stringify({ every: 1_000 })));
    for (let n = 0; n < 5; n++)
      teller.bus.deliver(deposit(`once ${n}`, 1, JSON.stringify({ delayMs: 1_000 * (n + 1) })));
    await teller.idle();
    const startMs = teller.clock.monotonicMs();
    while (teller.clock.monotonicMs() < startMs + 10_000) {
      teller.store.faults.commitMs = () => random.below(30);
      for (let step = random.below(40); step > 0; step--) {
        if (!teller.clock.runNext()) break;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await teller.restart(scheduler());
      // Crashes alone would not move the clock far.
      if (random.below(3) === 0) teller.clock.advance(random.below(300));
    }
    await teller.idle();
    const dueTimes = Math.floor((teller.clock.monotonicMs() - startMs) / 1_000);
    const books = teller.engine.read((bank) =>
      [...bank.accounts.range()].map(([id, one]) => [id, one.balance] as const),
    );
    for (const [id, count] of books) {
      if (id === 'every') assert.ok(Math.abs(count - dueTimes) <= 1, `seed ${seed}: ${count} of ${dueTimes} due times`);
      else assert.equal(count, 1, `seed ${seed}: ${id}`);
    }
    assert.equal(books.length, 6, `seed ${seed}`);
    await teller.world.run(teller.engine.stop());
  }
});
