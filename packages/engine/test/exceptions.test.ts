import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationException, App, EventHandler } from '@aep/engine';
import { AepError } from '@aep/kernel';
import { Table } from '@aep/store';
import { deposit } from './bank-apps.js';
import { Bank, BankFactory, Deposit, Deposited } from './gen/bank.js';
import { rejection, startedTeller, TellerWorld, WatchedTeller } from './teller-world.js';

for (const [policy, calls, stops, letters, acknowledged] of [
  ['RollbackAndStop', 1, true, 0, [1]],
  ['LogAndContinue', 1, false, 0, [1, 2, 3]],
  ['QuarantineAndContinue', 4, false, 1, [1, 2, 3]],
  ['QuarantineAndStop', 4, true, 1, [1, 2]],
] as const) {
  for (const instruction of ['fail', 'fail later']) {
    test(`${policy} for a handler that is asked to "${instruction}" (E20)`, async () => {
      const teller = await startedTeller({ policies: { appException: policy } });
      teller.app.failures = Infinity;
      teller.bus.deliver(deposit('a', 1));
      teller.bus.deliver(deposit('bad', 1, instruction));
      teller.bus.deliver(deposit('b', 1));
      await teller.world.advance(10_000);
      const counted = teller.engine.state === 'stopped' ? undefined : teller.engine.deadLetters.list().length;
      if (stops) {
        const { cause, drained } = await teller.world.run(teller.engine.stopped);
        assert.match(cause!.message, /AEP_HANDLER_FAILED|the teller (was asked to fail|failed later)/);
        // Joins are kept, so that the message comes again to whoever takes over.
        assert.deepEqual([drained, teller.bus.closedWith], [true, [true]]);
        assert.equal([...teller.store.tables.range(Table.deadLetters)].length, letters);
      } else assert.equal(counted, letters);
      assert.equal(teller.app.calls, 1 + calls + (stops ? 0 : 1));
      assert.deepEqual(teller.bus.acknowledged, acknowledged);
      // What the failed handler did has left no trace outside.
      assert.ok(teller.bus.sent.every((sent) => sent.json['account'] !== 'bad'));
      assert.deepEqual(
        teller.bus.sent.map((sent) => sent.sno),
        teller.bus.sent.map((_sent, index) => index + 1),
      );
      await teller.world.run(teller.engine.stop());
    });
  }
}

test('a policy for one type overrides that of the application (E20)', async () => {
  const teller = await startedTeller({
    policies: { appException: 'RollbackAndStop', appExceptionByType: { 'bank.Deposit': 'LogAndContinue' } },
  });
  teller.app.failures = 1;
  teller.bus.deliver(deposit('a', 1, 'fail'));
  teller.bus.deliver(deposit('b', 1));
  await teller.idle();
  assert.deepEqual([teller.engine.state, teller.balance('b')], ['started', 1]);
  await teller.world.run(teller.engine.stop());
});

test('retries wait longer and longer on the clock, and one that succeeds leaves no dead letter (E20)', async () => {
  const teller = await startedTeller({ policies: { retriesMax: 5, retryBackoffMs: 100, retryBackoffMaxMs: 300 } });
  teller.app.failures = 4;
  teller.bus.deliver(deposit('a', 1, 'fail'));
  await teller.world.settle();
  const startMs = teller.clock.monotonicMs();
  const attemptsAt: [atMs: number, calls: number][] = [];
  for (let step = 0; step < 110; step++) {
    await teller.world.advance(10);
    if (attemptsAt.at(-1)?.[1] !== teller.app.calls)
      attemptsAt.push([teller.clock.monotonicMs() - startMs, teller.app.calls]);
  }
  assert.deepEqual(attemptsAt, [
    [10, 1],
    [100, 2],
    [300, 3],
    [600, 4],
    [900, 5],
  ]);
  assert.deepEqual([teller.balance('a'), teller.engine.deadLetters.list()], [1, []]);
  await teller.world.run(teller.engine.stop());
});

test('a rolled-back handler leaves state, sends, timers, callbacks and numbers as they were (E21)', async () => {
  const callbacks: string[] = [];
  class Busy extends WatchedTeller {
    override onDeposit(message: Deposit, bank: Bank): void {
      this.calls++;
      bank.accounts.getOrCreate('kept').balance = 100;
      bank.accounts.delete('old');
      bank.lines.push().text = 'line';
      bank.deposits += 10;
      this.tell('bad', 1);
      this.engine.schedule(deposit('timer', 1), { delayMs: 10 });
      this.engine.afterStable(() => void callbacks.push('stable'));
      this.engine.delayAcknowledgment({ timeoutMs: 10 });
      if (message.instruction !== '') throw new AepError('AEP_TEST', 'fatal', 'even a fatal error of the application');
    }
  }
  App({ state: Bank, factories: [BankFactory] })(Busy);
  EventHandler(Deposit)(Busy.prototype, 'onDeposit');
  const teller = await new TellerWorld(new Busy()).start({ policies: { appException: 'LogAndContinue' } });
  const before = teller.engine.read(() => teller.engine.timers.length);
  teller.bus.deliver(deposit('a', 1, 'fail'));
  await teller.idle();
  await teller.world.advance(1_000);
  teller.engine.read((bank) => {
    assert.deepEqual([bank.deposits, bank.accounts.has('kept'), bank.lines.size], [0, false, 0]);
  });
  assert.deepEqual([before, teller.engine.timers.length, callbacks, teller.bus.sent], [0, 0, [], []]);
  assert.ok(!teller.app.kinds().includes('StuckAlert'), 'a token of a rolled-back transaction holds nothing');
  assert.deepEqual(teller.bus.acknowledged, [1]);
  await teller.world.run(teller.engine.stop());
});

test('a poison message in a batch is isolated, its neighbours commit together (E21)', async () => {
  const teller = await startedTeller({ policies: { retriesMax: 0 } });
  teller.app.failures = Infinity;
  for (let n = 1; n <= 20; n++) teller.bus.deliver(deposit(`a${n}`, 1, n === 10 ? 'fail' : ''));
  await teller.idle();
  assert.equal(
    teller.engine.read((bank) => bank.deposits),
    19,
  );
  assert.equal(
    teller.engine.read((bank) => bank.accounts.has('a10')),
    false,
  );
  assert.deepEqual(
    teller.bus.acknowledged,
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  await teller.world.run(teller.engine.stop());
});

test('one exception, then 1,000 messages, all handled (E22)', async () => {
  const teller = await startedTeller();
  teller.app.failures = Infinity;
  teller.bus.deliver(deposit('bad', 1, 'fail'));
  for (let n = 0; n < 1_000; n++) teller.bus.deliver(deposit('good', 1));
  await teller.world.advance(10_000);
  await teller.idle();
  assert.deepEqual([teller.balance('good'), teller.bus.acknowledged.length], [1_000, 1_001]);
  await teller.world.run(teller.engine.stop());
});

test('a callback after stability that throws keeps nobody from going on (E22)', async () => {
  const called: string[] = [];
  class CallsBack extends WatchedTeller {
    override onDeposit(message: Deposit): void {
      const { account } = message;
      this.engine.afterStable(() => {
        called.push(account);
        throw new Error('callback');
      });
      this.engine.afterStable(() => void called.push(`${account} second`));
    }
  }
  App({ state: Bank, factories: [BankFactory] })(CallsBack);
  EventHandler(Deposit)(CallsBack.prototype, 'onDeposit');
  const teller = await new TellerWorld(new CallsBack()).start();
  teller.bus.deliver(deposit('a', 1));
  teller.bus.deliver(deposit('b', 1));
  await teller.idle();
  assert.deepEqual(called, ['a', 'a second', 'b', 'b second']);
  assert.ok(teller.world.lines.some((line) => line.message.startsWith('a callback after stability failed')));
  await teller.world.run(teller.engine.stop());
});

test('each failed attempt is an alert with handler, type, attempt and what follows (E7, E20)', async () => {
  const teller = await startedTeller({ policies: { retriesMax: 1 } });
  teller.app.failures = Infinity;
  teller.bus.deliver(deposit('a', 1, 'fail'));
  await teller.world.advance(1_000);
  const alerts = teller.app.alerts.filter((alert) => alert instanceof ApplicationException);
  assert.deepEqual(
    alerts.map(({ facts }) => [facts['type'], facts['attempt'], facts['action']]),
    [
      ['bank.Deposit', 1, 'retry'],
      ['bank.Deposit', 2, 'quarantine'],
    ],
  );
  assert.match(String(alerts[0]!.facts['handler']), /onDeposit/);
  const { types } = teller.engine.statistics();
  assert.deepEqual({ ...types['bank.Deposit'] }, { handled: 0, failed: 2, quarantined: 1, sent: 0 });
  await teller.world.run(teller.engine.stop());
});

/** One dead letter of a deposit to `bad`. */
async function quarantined(): Promise<TellerWorld> {
  const teller = await startedTeller({ policies: { retriesMax: 0 } });
  teller.app.failures = 1;
  teller.bus.deliver(deposit('bad', 7, 'fail'), { key: 'K' });
  await teller.idle();
  return teller;
}

test('a quarantined message can be listed and shown at once, with reason, attempts and origin (E20, E23)', async () => {
  const teller = await quarantined();
  const { deadLetters } = teller.engine;
  const [letter] = deadLetters.list();
  const { id, reason, attempts, origin, key, type, sno } = letter!;
  assert.deepEqual(
    [id, reason, attempts, origin, key, type, sno],
    [1, 'AEP_HANDLER_FAILED', 1, 'deposits@bank-bus', 'K', 'bank.Deposit', 1],
  );
  assert.deepEqual(deadLetters.decoded(letter!), { account: 'bad', amount: 7, instruction: 'fail' });
  assert.deepEqual(deadLetters.list({ origin: 'elsewhere' }), []);
  assert.equal(deadLetters.list({ type: 'bank.Deposit', ids: [1], reason: 'AEP_HANDLER_FAILED' }).length, 1);
  await teller.world.run(teller.engine.stop());
});

test('a replay handles the message once more, from its channel, and removes the letter in the same transaction (E23)', async () => {
  const teller = await quarantined();
  const { deadLetters } = teller.engine;
  await teller.world.run(deadLetters.replay(1));
  assert.deepEqual([teller.balance('bad'), deadLetters.list()], [7, []]);
  assert.equal((await rejection(deadLetters.replay(1))).code, 'AEP_DEAD_LETTER_UNKNOWN');
  await teller.restart(new WatchedTeller());
  assert.deepEqual([teller.balance('bad'), teller.engine.deadLetters.list()], [7, []]);
  await teller.world.run(teller.engine.stop());
});

test('two replays of one letter at once handle it once (E23)', async () => {
  const teller = await quarantined();
  const { deadLetters } = teller.engine;
  await teller.world.run(Promise.all([deadLetters.replay(1), deadLetters.replay(1)]));
  assert.equal(teller.balance('bad'), 7);
  await teller.world.run(teller.engine.stop());
});

test('an edited letter is replayed as edited; bad JSON is refused and nothing is lost (E23)', async () => {
  const teller = await quarantined();
  const { deadLetters } = teller.engine;
  await assert.rejects(deadLetters.replay(1, { account: 3 }));
  assert.equal(deadLetters.list().length, 1);
  await teller.world.run(deadLetters.replay(1, { account: 'mended', amount: 9 }));
  assert.deepEqual([teller.balance('bad'), teller.balance('mended')], [0, 9]);
  await teller.world.run(teller.engine.stop());
});

test('a letter whose replay fails again is put aside anew; discarding removes it unhandled (E23)', async () => {
  const teller = await quarantined();
  const { deadLetters } = teller.engine;
  teller.app.failures = 1;
  const { replayed, failed } = await teller.world.run(deadLetters.replayAll({ origin: 'deposits@bank-bus' }));
  assert.deepEqual([replayed, failed.map(({ id, error }) => [id, error.code])], [[], [[1, 'AEP_HANDLER_FAILED']]]);
  const [again] = deadLetters.list();
  assert.equal(again!.id, 2);
  await teller.world.run(deadLetters.discard(again!.id));
  assert.deepEqual([deadLetters.list(), teller.balance('bad')], [[], 0]);
  await teller.world.run(teller.engine.stop());
});

test('a letter of a type that the application forgot can be discarded, not replayed (E23)', async () => {
  const teller = await startedTeller();
  teller.bus.deliver(deposit('a', 1), { typeId: 99 });
  await teller.idle();
  assert.equal((await rejection(teller.engine.deadLetters.replay(1))).code, 'AEP_DEAD_LETTER_TYPE');
  await teller.world.run(teller.engine.deadLetters.discard(1));
  assert.deepEqual(teller.engine.deadLetters.list(), []);
  await teller.world.run(teller.engine.stop());
});

test('the caller of a local event that is quarantined gets its error, and the engine goes on (E20)', async () => {
  const teller = await startedTeller({ policies: { retriesMax: 0 } });
  teller.app.failures = 1;
  assert.equal(
    (await rejection(teller.world.run(teller.engine.inject(deposit('a', 1, 'fail'))))).code,
    'AEP_HANDLER_FAILED',
  );
  await teller.world.run(teller.engine.inject(deposit('a', 1)));
  assert.equal(teller.balance('a'), 1);
  assert.equal(Deposited.$type.fullName, 'bank.Deposited');
  await teller.world.run(teller.engine.stop());
});
