import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StuckAlert } from '@aep/engine';
import { RecordReader } from '@aep/store';
import { bank, deposit, told } from './bank-apps.js';
import { Deposit } from './gen/bank.js';
import { rejection, startedTeller, TellerWorld, WatchedTeller } from './teller-world.js';

test('nothing is sent or acknowledged before its transaction is stable (E31)', async () => {
  const teller = await startedTeller();
  teller.store.faults.commitMs = () => 50;
  teller.bus.deliver(deposit('a', 1));
  await teller.world.advance(49);
  assert.deepEqual([teller.app.calls, teller.bus.sent, teller.bus.acknowledged], [1, [], []]);
  await teller.world.advance(2);
  assert.deepEqual([teller.bus.sent.length, teller.bus.acknowledged], [1, [1]]);
  await teller.world.run(teller.engine.stop());
});

test('a record of an async handler is committed although nothing else happens (E31, E33)', async () => {
  const app = bank().on(Deposit, async (_message, { state }) => {
    await Promise.resolve();
    state.deposits++;
  });
  const teller = await new TellerWorld(app).start();
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  assert.deepEqual(teller.bus.acknowledged, [1]);
  await teller.world.run(teller.engine.stop());
});

for (const [policy, acknowledged] of [
  ['OnSendStability', []],
  ['OnStoreStability', [1, 2]],
] as const) {
  test(`${policy}: inbound is acknowledged ${acknowledged.length === 0 ? 'only after its sends are confirmed' : 'when it is stable'} (E32)`, async () => {
    const teller = await startedTeller({ policies: { inboundAck: policy } });
    teller.bus.confirms = false;
    teller.bus.deliver(deposit('a', 1));
    teller.bus.deliver(deposit('b', 1));
    await teller.world.advance(100);
    assert.deepEqual(teller.bus.acknowledged, acknowledged);
    assert.equal(teller.store.journal.confirmedTxId, 0);
    teller.bus.confirmAll();
    await teller.idle();
    assert.deepEqual([teller.bus.acknowledged, teller.store.journal.confirmedTxId], [[1, 2], 2]);
    await teller.world.run(teller.engine.stop());
  });
}

test('everything sealed while the disk is busy goes in the next commit, and an idle engine adds no delay (E33)', async () => {
  const teller = await startedTeller();
  teller.store.faults.commitMs = () => 10;
  teller.bus.deliver(deposit('a', 1));
  await teller.world.advance(1);
  for (let n = 0; n < 50; n++) teller.bus.deliver(deposit('a', 1));
  await teller.world.advance(9);
  assert.equal(teller.store.journal.stableTxId, 1);
  await teller.world.advance(10);
  assert.equal(teller.store.journal.stableTxId, 51);
  assert.equal(teller.engine.statistics().store['recordsPerCommitMax'], 50);
  await teller.world.run(teller.engine.stop());
});

test('commitBatchMax closes a batch within a turn (E33)', async () => {
  const teller = await startedTeller({ limits: { commitBatchMax: 4 } });
  for (let n = 0; n < 12; n++) teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  assert.ok(teller.engine.statistics().counters['commits']! >= 3);
  await teller.world.run(teller.engine.stop());
});

test('a priority event goes before all that waits (E33, E63)', async () => {
  const order: string[] = [];
  const app = bank().on(Deposit, (message) => void order.push(message.account));
  const teller = await new TellerWorld(app).start();
  void teller.engine.inject(deposit('first', 1));
  void teller.engine.inject(deposit('second', 1));
  void teller.engine.inject(deposit('urgent', 1), { priority: true });
  await teller.idle();
  assert.deepEqual(order, ['urgent', 'first', 'second']);
  await teller.world.run(teller.engine.stop());
});

test('a priority event goes to the disk what is open, without waiting for the end of the turn (E33)', async () => {
  const teller = await startedTeller();
  const { journal } = teller.store;
  let commits = 0;
  const commit = journal.commit.bind(journal);
  journal.commit = () => {
    commits++;
    commit();
  };
  void teller.engine.inject(deposit('a', 1));
  assert.equal(commits, 0);
  void teller.engine.inject(deposit('b', 1), { priority: true });
  assert.equal(commits, 1);
  await teller.idle();
  await teller.world.run(teller.engine.stop());
});

test('after a failed sync nothing is released or acknowledged, also of what was stable, and the engine stops (E34, H22)', async () => {
  const teller = await startedTeller();
  teller.bus.confirms = false;
  teller.bus.capacity = 1;
  for (const account of ['sent', 'waiting']) teller.bus.deliver(deposit(account, 1));
  await teller.world.settle();
  assert.deepEqual([teller.bus.sent.length, teller.store.journal.stableTxId], [1, 2]);
  teller.store.faults.commitMs = () => 10;
  teller.store.faults.failsNextSync = true;
  const local = rejection(teller.engine.inject(deposit('lost', 1)));
  await teller.world.settle();
  // In the very moment of the failure the bus confirms, and has room for what waits.
  teller.clock.schedule(10, () => teller.bus.binding.confirmAll());
  teller.clock.advance(10);
  const { cause } = await teller.world.run(teller.engine.stopped);
  assert.equal(cause?.code, 'AEP_STORE_WRITE_FAILED');
  assert.equal((await local).code, 'AEP_STORE_WRITE_FAILED');
  assert.deepEqual([teller.bus.sent.length, teller.bus.acknowledged], [1, []]);
  assert.ok(teller.app.kinds().includes('StoreFailed'));
});

test('a failed checkpoint is as fatal as a failed sync (H22)', async () => {
  const teller = await startedTeller();
  teller.store.faults.failsNextApply = true;
  teller.bus.deliver(deposit('a', 1));
  const { cause } = await teller.world.run(teller.engine.stopped);
  assert.equal(cause?.code, 'AEP_STORE_WRITE_FAILED');
});

test('a checkpoint that fails while an engine stops in order is the cause of its end (H22; simulated seed 2126326)', async () => {
  const teller = await startedTeller();
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  teller.store.faults.failsNextApply = true;
  const { cause } = await teller.world.run(teller.engine.stop());
  assert.equal(cause?.code, 'AEP_STORE_WRITE_FAILED');
});

test('a full disk holds events back, and they go on when there is space again (E34, S4)', async () => {
  const teller = await startedTeller();
  teller.store.faults.freeBytes = 0;
  for (let n = 0; n < 5; n++) teller.bus.deliver(deposit('a', 1));
  await teller.world.advance(2_000);
  for (let n = 0; n < 5; n++) teller.bus.deliver(deposit('a', 1));
  await teller.world.advance(1_000);
  assert.deepEqual([teller.engine.state, teller.bus.acknowledged], ['started', []]);
  teller.store.faults.freeBytes = Infinity;
  await teller.idle();
  assert.deepEqual([teller.balance('a'), teller.bus.acknowledged.length], [10, 10]);
  await teller.world.run(teller.engine.stop());
});

test('a journal or a bus that does not answer is an alert that names it (E7, E12)', async () => {
  const teller = await startedTeller({ limits: { stuckAlertThresholdMs: 200 } });
  teller.bus.confirms = false;
  teller.bus.deliver(deposit('a', 1));
  await teller.world.advance(3_000);
  const stuck = teller.app.alerts.filter((alert) => alert instanceof StuckAlert);
  assert.equal(stuck.length, 1, 'once, not at every look');
  assert.match(stuck[0]!.what, /transaction 1 waits for 1 confirmation.*events@bank-bus/);
  teller.bus.confirmAll();
  await teller.idle();
  await teller.world.run(teller.engine.stop());
});

test('a transaction too large for the journal is rolled back whole, and the numbers of its sends are used again (E30)', async () => {
  const app = bank().on(Deposit, (message, { state, send }) => {
    state.deposits++;
    send('events', told('small'));
    if (message.instruction !== 'large') return;
    state.lines.push().text = 'x'.repeat(17 * 1024 * 1024);
  });
  const teller = await new TellerWorld(app).start({ policies: { appException: 'LogAndContinue' } });
  teller.bus.deliver(deposit('a', 1, 'large'));
  teller.bus.deliver(deposit('b', 1));
  await teller.idle();
  assert.equal(
    teller.engine.read((root) => root.deposits),
    1,
  );
  assert.deepEqual(
    teller.bus.sent.map(({ sno, channelSno }) => [sno, channelSno]),
    [[1, 1]],
  );
  assert.deepEqual(teller.bus.acknowledged, [1, 2]);
  assert.ok(
    teller.world.lines.some(
      (line) => String(line.error).includes('AEP_RECORD_TOO_LARGE') || line.message.includes('AEP_RECORD_TOO_LARGE'),
    ),
  );
  await teller.world.run(teller.engine.stop());
});

test('parts of a transaction outside of a handler are refused by name (E36, E63)', async () => {
  const { engine, world } = await startedTeller();
  for (const call of [
    () => engine.savepoint(),
    () => engine.schedule(deposit('a', 1), { delayMs: 1 }),
    () => engine.cancel('x'),
    () => engine.afterStable(() => undefined),
    () => engine.delayAcknowledgment(),
  ])
    assert.throws(call, { code: 'AEP_OUTSIDE_HANDLER' });
  await world.run(engine.stop());
});

test('the state is not read while a handler is at work on it (E62)', async () => {
  const app = bank().on(Deposit, () => new Promise(() => undefined));
  const teller = await new TellerWorld(app).start({ limits: { stopDeadlineMs: 10 } });
  teller.bus.deliver(deposit('a', 1));
  await teller.world.settle();
  assert.throws(() => teller.engine.read(() => 0), { code: 'AEP_STATE_BUSY' });
  await teller.world.run(teller.engine.stop());
});

test('pools come back after load: nothing is outstanding, nothing is in flight (E72)', async () => {
  const teller = await startedTeller({ policies: { retriesMax: 0 } });
  teller.app.failures = Infinity;
  for (let n = 0; n < 500; n++) teller.bus.deliver(deposit('a', 1, n % 7 === 0 ? 'fail' : ''), { sno: 1 + (n % 400) });
  await teller.idle();
  const { core } = (teller.engine as unknown as { lifecycle: { core: CoreForTests } }).lifecycle;
  assert.deepEqual(
    [core.works.outstanding, core.outbound.outstanding, core.transactions.outstanding, core.inFlight.size],
    [0, 0, 0, 0],
  );
  assert.equal(core.messaging.buses.get('bank-bus')!.pending, 0);
  await teller.world.run(teller.engine.stop());
});

interface CoreForTests {
  readonly works: { readonly outstanding: number };
  readonly outbound: { readonly outstanding: number };
  readonly transactions: { readonly outstanding: number };
  readonly inFlight: { readonly size: number };
  readonly messaging: { readonly buses: Map<string, { readonly pending: number }> };
}

test('a message that was sent goes back to its pool (E72)', async () => {
  const made = new Set<object>();
  const app = bank().on(Deposit, (_message, { send }) => {
    const event = told('x');
    made.add(event);
    send('events', event);
  });
  const { setCheckedMode } = await import('@aep/messages/internal');
  setCheckedMode(false);
  try {
    const teller = await new TellerWorld(app).start();
    for (let n = 0; n < 50; n++) teller.bus.deliver(deposit('a', 1));
    await teller.idle();
    assert.equal(made.size, 1);
    assert.equal(teller.bus.sent.length, 50);
    await teller.world.run(teller.engine.stop());
  } finally {
    setCheckedMode(true);
  }
  assert.ok(new WatchedTeller().calls === 0);
});

test('each record carries the epoch of its store, also when that rises while the engine runs (E30, H3)', async () => {
  const teller = await startedTeller();
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  await new Promise<void>((resolve) => {
    teller.store.setEpoch(7, () => resolve());
    teller.clock.settle();
  });
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  const reader = new RecordReader();
  const epochs = [...teller.store.journal.read(1)].map(({ bytes }) => (reader.open(bytes), reader.epoch));
  assert.deepEqual(epochs, [1, 7]);
  await teller.world.run(teller.engine.stop());
});
