import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App, type ChangeReader, Command, defineApp } from '@aep/engine';
import { describeRecord, RecordReader } from '@aep/store';
import { deposit } from './bank-apps.js';
import { Bank, BankFactory, Deposit } from './gen/bank.js';
import { rejection, startedTeller, TellerWorld, WatchedTeller } from './teller-world.js';

async function readAll(reader: ChangeReader): Promise<number[]> {
  const seen: number[] = [];
  for await (const { txId } of reader) seen.push(txId);
  return seen;
}

test('changes gives the stable transactions in order, then the new ones as they come, until it is aborted (E103)', async () => {
  const teller = await startedTeller();
  for (let n = 0; n < 3; n++) teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  const abort = new AbortController();
  const seen: number[] = [];
  const following = (async () => {
    for await (const { txId } of teller.engine.changes({ from: 2, signal: abort.signal })) seen.push(txId);
  })();
  await teller.world.advance(200);
  assert.deepEqual(seen, [2, 3]);
  teller.bus.deliver(deposit('a', 1));
  await teller.world.advance(200);
  assert.deepEqual(seen, [2, 3, 4]);
  abort.abort();
  await teller.world.run(following);
  await teller.world.run(teller.engine.stop());
});

test('a stop ends those who follow the changes (E103)', async () => {
  const teller = await startedTeller();
  const following = readAll(teller.engine.changes());
  await teller.world.advance(100);
  await teller.world.run(teller.engine.stop());
  assert.deepEqual(await teller.world.run(following), []);
});

test('a reader with a name goes on after its saved position, also after a restart, and never sees its own saves (E103)', async () => {
  const teller = await startedTeller();
  for (let n = 0; n < 4; n++) teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  const first = teller.engine.changes({ name: 'index', untilEnd: true });
  const seen: number[] = [];
  await teller.world.run(
    (async () => {
      for await (const { txId } of first) {
        seen.push(txId);
        if (txId === 2) {
          await first.save(txId);
          break;
        }
      }
    })(),
  );
  assert.deepEqual([seen, first.position], [[1, 2], 2]);
  await teller.restart(new WatchedTeller());
  const again = teller.engine.changes({ name: 'index', untilEnd: true });
  assert.deepEqual([again.position, await teller.world.run(readAll(again))], [2, [3, 4]]);
  await teller.world.run(teller.engine.stop());
});

test('a position saved in a handler is part of its transaction (E103)', async () => {
  const readers: ChangeReader[] = [];
  const app = defineApp({ name: 'teller', state: Bank, factories: [BankFactory] }).on(
    Deposit,
    async (message, { state }) => {
      state.deposits++;
      const { account, instruction } = message;
      await readers[0]!.save(Number(account));
      if (instruction === 'fail') throw new Error('asked to fail');
    },
  );
  const teller = await new TellerWorld(app).start({ policies: { appException: 'LogAndContinue' } });
  readers.push(teller.engine.changes({ name: 'index' }));
  teller.bus.deliver(deposit('0', 1));
  await teller.idle();
  teller.bus.deliver(deposit('1', 1, 'fail'));
  await teller.idle();
  assert.equal(readers[0]!.position, 0);
  teller.bus.deliver(deposit('1', 1));
  await teller.idle();
  assert.equal(readers[0]!.position, 1);
  // One record each: the save made no transaction of its own.
  assert.equal(teller.store.journal.lastTxId, 3);
  await teller.world.run(teller.engine.stop());
});

test('bad names and positions of readers are refused (E103)', async () => {
  const teller = await startedTeller();
  assert.equal((await rejection(teller.engine.changes().save(1))).code, 'AEP_READER_NAME');
  assert.equal((await rejection(teller.engine.changes({ name: '' }).save(0))).code, 'AEP_READER_NAME');
  for (const txId of [-1, 1.5, 7])
    assert.equal((await rejection(teller.engine.changes({ name: 'x' }).save(txId))).code, 'AEP_READER_POSITION');
  await teller.world.run(teller.engine.stop());
});

/** Handles some deposits one by one and lets checkpoints and the trimmer have their time. */
async function worked(teller: TellerWorld, count = 20): Promise<void> {
  for (let n = 0; n < count; n++) {
    teller.bus.deliver(deposit('a', 1));
    await teller.world.settle();
  }
  await teller.world.advance(5_000);
}

test('records that are applied and confirmed are given up (E104)', async () => {
  const teller = await startedTeller({ limits: { journalRetentionRecords: 0 } });
  await worked(teller);
  assert.ok(teller.store.journal.firstTxId >= 18, `the journal begins at ${teller.store.journal.firstTxId}`);
  await teller.restart(new WatchedTeller());
  assert.equal(teller.balance('a'), 20);
  await teller.world.run(teller.engine.stop());
});

test('records that a bus has not confirmed are kept (E104)', async () => {
  const teller = await startedTeller({ limits: { journalRetentionRecords: 0 } });
  await worked(teller, 5);
  teller.bus.confirms = false;
  await worked(teller, 5);
  assert.ok(teller.store.journal.firstTxId <= 6);
  teller.bus.confirms = true;
  teller.bus.confirmAll();
  await teller.idle();
  await worked(teller, 1);
  assert.ok(teller.store.journal.firstTxId >= 9);
  await teller.world.run(teller.engine.stop());
});

test('records that a registered reader has not read are kept, until it has or is removed (E104)', async () => {
  const options = { limits: { journalRetentionRecords: 0 } };
  const teller = await startedTeller(options);
  const reader = teller.engine.changes({ name: 'slow', from: 1 });
  await teller.world.run(reader.save(0));
  await worked(teller);
  assert.equal(teller.store.journal.firstTxId, 1);
  await teller.restart(new WatchedTeller(), options);
  const again = teller.engine.changes({ name: 'slow' });
  await worked(teller, 1);
  assert.equal(teller.store.journal.firstTxId, 1);
  await teller.world.run(again.save(10));
  await worked(teller, 1);
  const { firstTxId } = teller.store.journal;
  assert.ok(firstTxId > 8 && firstTxId <= 11, `${firstTxId}`);
  await teller.world.run(again.remove());
  await worked(teller, 1);
  assert.ok(teller.store.journal.firstTxId > 18);
  await teller.world.run(teller.engine.stop());
});

test('the newest records stay for looking back although nobody needs them (E104)', async () => {
  const teller = await startedTeller({ limits: { journalRetentionRecords: 4 } });
  for (let amount = 1; amount <= 10; amount++) {
    teller.bus.deliver(deposit('a', amount));
    await teller.world.advance(3_000);
  }
  const { lastTxId, firstTxId } = teller.store.journal;
  assert.ok(lastTxId - firstTxId + 1 >= 4 && firstTxId > 1, `kept ${firstTxId}..${lastTxId}`);
  await teller.world.run(teller.engine.stop());
});

test('records younger than the retention are kept (E104)', async () => {
  const teller = await startedTeller({ limits: { journalRetentionMs: 60_000, journalRetentionRecords: 0 } });
  await worked(teller);
  assert.equal(teller.store.journal.firstTxId, 1);
  await teller.world.advance(120_000);
  await worked(teller, 1);
  assert.ok(teller.store.journal.firstTxId > 15);
  await teller.world.run(teller.engine.stop());
});

@App({ state: Bank, factories: [BankFactory] })
class Commanded extends WatchedTeller {
  @Command('grant', {
    description: 'Gives money',
    options: {
      account: { type: 'string', required: true },
      amount: { type: 'number', default: 5 },
      loud: { type: 'boolean' },
    },
  })
  async grant(args: { account: string; amount: number; loud?: boolean }, bank: Bank): Promise<unknown> {
    const { account, amount, loud } = args;
    await Promise.resolve();
    bank.accounts.getOrCreate(account).balance += amount;
    this.tell(account, amount);
    if (amount < 0) throw new Error('no such money');
    return { granted: amount, loud };
  }
}

test('a command runs as a transaction: its state is durable, its sends go out, its answer comes back (E101)', async () => {
  const teller = await new TellerWorld(new Commanded()).start();
  const answer = await teller.world.run(teller.engine.execute('grant', { account: 'a', amount: '7', loud: 'true' }));
  assert.deepEqual(answer, { granted: 7, loud: true });
  await teller.world.run(teller.engine.execute('grant', { account: 'a' }));
  await teller.idle();
  assert.deepEqual([teller.balance('a'), teller.bus.sent.length], [12, 2]);
  const [record] = [...teller.store.journal.read(1)];
  const reader = new RecordReader();
  reader.open(record!.bytes);
  assert.match(JSON.stringify(describeRecord(reader)), /grant/);
  await teller.restart(new Commanded());
  assert.equal(teller.balance('a'), 12);
  await teller.world.run(teller.engine.stop());
});

test('a command that throws is rolled back, its caller has the error, and the engine goes on (E101)', async () => {
  const teller = await new TellerWorld(new Commanded()).start();
  const error = await rejection(teller.world.run(teller.engine.execute('grant', { account: 'a', amount: -1 })));
  assert.equal(error.code, 'AEP_HANDLER_FAILED');
  await teller.world.run(teller.engine.inject(deposit('a', 1)));
  assert.deepEqual([teller.balance('a'), teller.engine.deadLetters.list()], [1, []]);
  await teller.world.run(teller.engine.stop());
});

for (const [title, name, args, code, hint] of [
  ['an unknown name', 'grand', {}, 'AEP_COMMAND_UNKNOWN', /did you mean "grant"/],
  ['a missing argument', 'grant', {}, 'AEP_COMMAND_ARGUMENTS', /"account" is required/],
  ['an unknown argument', 'grant', { acount: 'a' }, 'AEP_COMMAND_ARGUMENTS', /did you mean "account"/],
  ['a wrong type', 'grant', { account: 'a', amount: 'much' }, 'AEP_COMMAND_ARGUMENTS', /expected a number, got "much"/],
] as const) {
  test(`a command with ${title} is refused (E101)`, async () => {
    const teller = await new TellerWorld(new Commanded()).start();
    const error = await rejection(teller.engine.execute(name, args));
    assert.equal(error.code, code);
    assert.match(error.message, hint);
    assert.equal(teller.engine.commands[0]!.name, 'grant');
    await teller.world.run(teller.engine.stop());
  });
}

test('statistics count by engine, type, bus and channel, and take every latency (E100)', async () => {
  const teller = await startedTeller({ policies: { retriesMax: 0 } });
  teller.app.failures = 1;
  teller.store.faults.commitMs = () => 4;
  for (const instruction of ['fail', '', '']) teller.bus.deliver(deposit('a', 1, instruction));
  teller.bus.deliver(deposit('a', 1), { sno: 1 });
  await teller.idle();
  const { counters, types, channels, buses, latencies, ...rest } = teller.engine.statistics();
  const { received, duplicates, handled, failed, quarantined, sent, confirmed, transactions } = counters as Record<
    string,
    number
  >;
  assert.deepEqual(
    { received, duplicates, handled, failed, quarantined, sent, confirmed, transactions },
    { received: 4, duplicates: 1, handled: 2, failed: 1, quarantined: 1, sent: 2, confirmed: 2, transactions: 3 },
  );
  assert.deepEqual({ ...types['bank.Deposit'] }, { handled: 2, failed: 1, quarantined: 1, sent: 0 });
  assert.equal(channels['events@bank-bus']!.sent, 2);
  assert.ok(channels['events@bank-bus']!.bytesOut > 0 && channels['deposits@bank-bus']!.bytesIn > 0);
  assert.deepEqual(buses['bank-bus'], { state: 'up', pending: 0, downs: 0 });
  assert.deepEqual(Object.keys(latencies), [
    'queueWait',
    'handler',
    'sealToStable',
    'stableToSent',
    'sentToConfirmed',
    'receiveToAck',
  ]);
  assert.equal(latencies['sealToStable']!.count, 3);
  assert.ok(latencies['sealToStable']!.p50Us >= 3_500);
  // Handlers are timed one in sixteen.
  for (let n = 0; n < 16; n++) teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  assert.equal(teller.engine.statistics().latencies['handler']!.count, 1);
  for (const name of ['queueWait', 'stableToSent', 'sentToConfirmed', 'receiveToAck'])
    assert.ok(latencies[name]!.count > 0, name);
  assert.deepEqual([rest.durability, rest.lastTxId, rest.stableTxId, rest.inFlight], ['disk', 3, 3, 0]);
  await teller.world.run(teller.engine.stop());
});

test('a busy engine takes the latencies of one event in sixteen, a quiet one of each; counters count all (E100)', async () => {
  const teller = await startedTeller();
  const burst = async (events: number): Promise<number> => {
    const before = teller.engine.statistics().latencies['queueWait']!.count;
    for (let event = 0; event < events; event++) teller.bus.deliver(deposit('a', 1));
    await teller.idle();
    return teller.engine.statistics().latencies['queueWait']!.count - before;
  };
  assert.equal(await burst(10), 10);
  for (let round = 0; round < 10; round++) await burst(400);
  const taken = await burst(400);
  assert.ok(taken >= 24 && taken <= 26, `${taken} of 400`);
  assert.equal((teller.engine.statistics().counters as Record<string, number>)['received'], 10 + 11 * 400);
  for (let round = 0; round < 40; round++) await burst(1);
  assert.equal(await burst(10), 10);
  await teller.world.run(teller.engine.stop());
});

test('a journal that was closed under the engine stops it (E34)', async () => {
  const teller = await startedTeller();
  void teller.store.close();
  await teller.world.settle();
  teller.bus.deliver(deposit('a', 1));
  const { cause } = await teller.world.run(teller.engine.stopped);
  assert.equal(cause?.code, 'AEP_JOURNAL_CLOSED');
});
