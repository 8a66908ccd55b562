import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineApp, type Engine } from '@aep/engine';
import { deposit } from './bank-apps.js';
import { BankFactory, Deposit, Deposited } from './gen/bank.js';
import { codec, type Ledger, ledgerApp, type LedgerChannels } from './ledger-app.js';
import { rejection, TellerWorld, type TellerOptions, startedTeller } from './teller-world.js';

type LedgerWorld = TellerWorld & { engine: Engine };

async function ledgerWorld(app: object = ledgerApp(), options: TellerOptions = {}): Promise<LedgerWorld> {
  return (await new TellerWorld(app).start(options)) as unknown as LedgerWorld;
}

const ledgerOf = (world: LedgerWorld): Ledger =>
  structuredClone(world.engine.read((state) => state as unknown) as Ledger);

test('a restart rebuilds the state by replay, with the recorded time, numbers and ids (E60)', async () => {
  const world = await ledgerWorld();
  for (const instruction of ['', 'note', 'note']) world.bus.deliver(deposit('a', 1, instruction));
  await world.idle();
  const before = ledgerOf(world);
  assert.equal(new Set(before.notes.map(String)).size, 2);
  await world.world.advance(5_000);
  const calls = { count: 0, failures: 0 };
  await world.restart(ledgerApp(calls) as never);
  assert.deepEqual(ledgerOf(world), before);
  assert.equal(calls.count, 3);
  await world.idle();
  assert.ok(
    world.bus.sent.every((sent) => sent.possibleDuplicate),
    'a replay sends nothing',
  );
  await world.world.run(world.engine.stop());
});

test('a snapshot shortens the replay, and the journal before it is given up (E60, E104)', async () => {
  const options = { limits: { snapshotEvery: 10, journalRetentionRecords: 0 } };
  const world = await ledgerWorld(ledgerApp(), options);
  for (let n = 0; n < 45; n++) {
    world.bus.deliver(deposit(`a${n % 3}`, 1));
    await world.idle();
  }
  await world.world.advance(5_000);
  const before = ledgerOf(world);
  assert.ok(world.store.journal.firstTxId > 20, `the journal begins at ${world.store.journal.firstTxId}`);
  const calls = { count: 0, failures: 0 };
  await world.restart(ledgerApp(calls) as never, options);
  assert.deepEqual(ledgerOf(world), before);
  assert.ok(calls.count <= 11, `${calls.count} handler calls`);
  await world.world.run(world.engine.stop());
});

test('without a snapshot the journal of an event-sourced application is kept whole (E104)', async () => {
  const world = await ledgerWorld(ledgerApp(), { limits: { snapshotEvery: 0 } });
  for (let n = 0; n < 20; n++) {
    world.bus.deliver(deposit('a', 1));
    await world.idle();
  }
  await world.world.advance(10_000);
  assert.equal(world.store.journal.firstTxId, 1);
  await world.world.run(world.engine.stop());
});

test('an exception rolls the state back by replay, and the retry finds it clean (E21, E60)', async () => {
  const calls = { count: 0, failures: 1 };
  const world = await ledgerWorld(ledgerApp(calls));
  world.bus.deliver(deposit('a', 1));
  world.bus.deliver(deposit('a', 10, 'fail'));
  world.bus.deliver(deposit('a', 100));
  await world.idle();
  assert.equal(ledgerOf(world).balances['a'], 111);
  assert.deepEqual(
    world.bus.sent.map((sent) => [sent.sno, sent.json['balance']]),
    [
      [1, 1],
      [2, 11],
      [3, 111],
    ],
  );
  await world.world.run(world.engine.stop());
});

test('a quarantined event leaves no trace in the state, now and after a restart (E20, E60)', async () => {
  const world = await ledgerWorld(ledgerApp({ count: 0, failures: Infinity }), { policies: { retriesMax: 1 } });
  world.bus.deliver(deposit('a', 1));
  world.bus.deliver(deposit('a', 10, 'fail'));
  world.bus.deliver(deposit('a', 100));
  await world.world.advance(2_000);
  await world.idle();
  assert.deepEqual([ledgerOf(world).balances['a'], world.engine.deadLetters.list().length], [101, 1]);
  await world.restart(ledgerApp() as never);
  assert.equal(ledgerOf(world).balances['a'], 101);
  await world.world.run(world.engine.stop());
});

test('an unsolicited send during a replay goes out as a transaction of its own (E40, E60)', async () => {
  const calls = { count: 0, failures: 1 };
  const world = await ledgerWorld(ledgerApp(calls));
  for (let n = 0; n < 20; n++) world.bus.deliver(deposit('a', 1));
  await world.idle();
  world.bus.deliver(deposit('a', 1, 'fail'));
  const sender = world.engine.senderFor<LedgerChannels>();
  const sends: Promise<void>[] = [];
  for (let turn = 0; turn < 20; turn++) {
    world.clock.settle();
    for (let step = 0; step < 200; step++) {
      await Promise.resolve(); // between two steps of the replay
      if (calls.count <= 22 || sends.length >= 5) continue;
      const event = Deposited.create();
      event.account = `other ${sends.length}`;
      sends.push(sender.sendMessage('events', event));
    }
  }
  assert.equal(sends.length, 5);
  await world.idle();
  await world.world.run(Promise.all(sends));
  const others = world.bus.sent.filter((sent) => String(sent.json['account']).startsWith('other'));
  assert.equal(others.length, sends.length);
  await world.world.run(world.engine.stop());
});

test('timers, commands and injected messages are replayed too (E60, E63, E101)', async () => {
  const world = await ledgerWorld();
  world.bus.deliver(deposit('a', 1, 'remind'));
  await world.idle();
  await world.world.run(world.engine.inject(deposit('b', 2)));
  await world.world.run(world.engine.execute('grant', { account: 'c', amount: 30 }));
  await world.world.advance(1_500);
  const before = ledgerOf(world);
  assert.deepEqual(before.balances, { a: 101, b: 2, c: 30 });
  await world.restart(ledgerApp() as never);
  assert.deepEqual([ledgerOf(world), world.engine.timers], [before, []]);
  await world.world.run(world.engine.stop());
});

for (const [instruction, field] of [
  ['', undefined],
  ['note', undefined],
  ['noisy', 'outbound[0].balance'],
  ['hidden', 'state'],
] as const) {
  test(`verifyReplay ${field === undefined ? 'agrees with a deterministic handler' : `names ${field} of a nondeterministic one`} ("${instruction}") (E60)`, async () => {
    let noise = 0;
    const world = await ledgerWorld(ledgerApp(undefined, () => ++noise));
    world.bus.deliver(deposit('a', 1));
    world.bus.deliver(deposit('a', 1, instruction));
    await world.idle();
    const report = await world.world.run(world.engine.verifyReplay());
    assert.deepEqual([report.fromTxId, report.toTxId, report.replayed], [1, 2, 2]);
    assert.deepEqual([report.difference?.field, report.difference?.txId], [field, field === undefined ? undefined : 2]);
    if (field?.startsWith('outbound') === true)
      assert.deepEqual([report.difference!.expected, report.difference!.got], ['3', '4']);
    // The engine goes on.
    await world.world.run(world.engine.inject(deposit('b', 1)));
    await world.world.run(world.engine.stop());
  });
}

test('what arrives during a verification is handled after it (E60)', async () => {
  const world = await ledgerWorld();
  for (let n = 0; n < 5; n++) world.bus.deliver(deposit('a', 1, 'pause'));
  await world.idle();
  const verified = world.engine.verifyReplay();
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    world.bus.deliver(deposit('a', 1));
    world.clock.settle();
  }
  await verified;
  await world.world.settle();
  assert.equal(ledgerOf(world).balances['a'], 8);
  await world.world.run(world.engine.stop());
});

test('verifyReplay is for event-sourced applications, and the two ways of keeping state exclude each other (E60)', async () => {
  const teller = await startedTeller();
  assert.equal((await rejection(teller.engine.verifyReplay())).code, 'AEP_NOT_EVENT_SOURCED');
  await teller.world.run(teller.engine.stop());
  assert.throws(() => new TellerWorld(ledgerApp()).make({ haPolicy: 'StateReplication' }), {
    code: 'AEP_OPTIONS_INVALID',
  });
});

test('a replay that throws, or meets a type or a history that is gone, stops the start and names the transaction (E60)', async () => {
  const world = await ledgerWorld();
  world.bus.deliver(deposit('a', 1));
  await world.idle();
  world.world.crash('lost');
  const broken = defineApp<Ledger>({ name: 'teller', stateCodec: codec, factories: [BankFactory] }).on(Deposit, () => {
    throw new Error('changed its mind');
  });
  const { buses } = world.engine.options;
  const failing = async (app: object): Promise<string> =>
    (await rejection(world.world.run(world.world.engine('teller', { app, buses }).start()))).code;
  assert.equal(await failing(broken), 'AEP_REPLAY_FAILED');
  world.world.crash('lost');
  assert.equal(await failing(defineApp({ name: 'teller', stateCodec: codec })), 'AEP_REPLAY_TYPE_UNKNOWN');
  const again = await ledgerWorld();
  for (let n = 0; n < 3; n++) {
    again.bus.deliver(deposit('a', 1));
    await again.idle();
  }
  await again.world.run(again.engine.stop());
  again.store.disk.runs.splice(0, 2);
  again.world.crash('lost');
  const gone = await rejection(again.world.run(again.make({ app: ledgerApp() }).start()));
  assert.equal(gone.code, 'AEP_REPLAY_HISTORY_GONE');
});
