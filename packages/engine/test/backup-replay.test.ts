import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineApp } from '@aep/engine';
import type { AepError } from '@aep/kernel';
import { deposit, Teller } from './bank-apps.js';
import { type Behaviour, FollowedTeller, ledgerOf } from './followed-teller.js';
import { BankFactory, Deposit, Deposited } from './gen/bank.js';
import { codec, type Ledger, ledgerApp, type LedgerChannels } from './ledger-app.js';
import { rejection, TellerWorld } from './teller-world.js';

test("a backup's handlers run on records as they become stable, and a takeover goes on with their state and calls nothing again (H11)", async () => {
  const pair = await new FollowedTeller().start();
  await pair.deliver('', 'note');
  await pair.primary.world.advance(3_000);
  await pair.begin();
  assert.equal(pair.primary.store.tables.appliedTxId, 2, 'these come from the journal');
  await pair.deliver('note', 'pause', '');
  await pair.feed();
  assert.deepEqual(pair.standby.status(), { phase: 'following', txId: 5, problems: 0, firstProblem: undefined });
  const following = await pair.standby.next;
  assert.deepEqual(ledgerOf(following), ledgerOf(pair.primary.engine), 'the state is there');
  assert.deepEqual([following.state, following.statistics().role, pair.bus.sent.length], ['created', 'backup', 0]);
  assert.equal(pair.behaviour.calls.count, 5);
  const before = ledgerOf(pair.primary.engine);
  const engine = await pair.takeOver();
  assert.deepEqual([ledgerOf(engine), engine.statistics().role], [before, 'primary']);
  assert.equal(pair.behaviour.calls.count, 5, 'no handler was called for the takeover');
  pair.bus.deliver(deposit('a', 10), { sno: 6 });
  await pair.settle();
  await pair.primary.world.run(engine.whenIdle());
  const fresh = pair.bus.sent.filter(({ possibleDuplicate }) => !possibleDuplicate);
  assert.deepEqual(
    fresh.map(({ sno, json }) => [sno, json['balance']]),
    [[6, 15]],
    'numbers go on where the primary was (H11)',
  );
  await pair.ends(engine);
});

test('records that had not been handed over are replayed at the takeover', async () => {
  const pair = await new FollowedTeller().start();
  await pair.deliver('', '');
  await pair.begin();
  await pair.deliver('note', '');
  const before = ledgerOf(pair.primary.engine);
  const engine = await pair.takeOver();
  assert.deepEqual([ledgerOf(engine), pair.behaviour.calls.count], [before, 4]);
  await pair.ends(engine);
});

test('a takeover waits for an asynchronous handler that is under way (E12, H11)', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const slow = ({ calls }: Behaviour): object =>
    defineApp<Ledger>({ name: 'teller', stateCodec: codec, factories: [BankFactory] }).on(
      Deposit,
      async ({ account, amount }, { state }) => {
        calls.count++;
        await gate;
        state.balances[account] = (state.balances[account] ?? 0) + amount;
      },
    );
  const pair = await new FollowedTeller({}, slow).start();
  await pair.begin();
  await pair.deliver('', '');
  await pair.feed();
  assert.deepEqual([pair.behaviour.calls.count, pair.standby.status().txId], [1, 0]);
  pair.standby.end();
  pair.primary.world.crash('lost');
  const engine = await pair.standby.next;
  const started = engine.start();
  await pair.settle();
  assert.equal(engine.state, 'starting');
  open();
  await pair.primary.world.run(started);
  assert.deepEqual([ledgerOf(engine).balances, pair.behaviour.calls.count], [{ a: 2 }, 2]);
  await pair.ends(engine);
});

test("what the journal holds is read no more once the store is its owner's again, and the start replays the rest", async () => {
  const pair = await new FollowedTeller().start();
  await pair.deliver(...Array.from({ length: 300 }, () => ''));
  await pair.primary.world.advance(3_000);
  const { store, world, clock } = pair.primary;
  const before = ledgerOf(pair.primary.engine);
  const reads: number[] = [];
  const journal = Object.create(store.journal, {
    readRuns: {
      value: function* (from: number) {
        for (const run of store.journal.readRuns(from)) {
          reads.push(run.firstTxId);
          yield run;
        }
      },
    },
  }) as typeof store.journal;
  pair.standby.begin(Object.create(store, { journal: { value: journal } }) as typeof store, 300, pair.listener);
  for (let turn = 0; turn < 100 && reads.length === 0; turn++) {
    clock.runNext();
    for (let step = 0; step < 10; step++) await Promise.resolve();
  }
  pair.standby.end();
  const readThen = reads.length;
  assert.ok(readThen > 0 && readThen < 300, `${readThen} of 300 runs`);
  await world.settle();
  assert.equal(reads.length, readThen);
  const engine = await pair.takeOver();
  assert.deepEqual([ledgerOf(engine), pair.behaviour.calls.count], [before, 300]);
  await pair.ends(engine);
});

test('timers, what cancel answered, commands and injected messages are the same on a backup (H11, E63)', async () => {
  const pair = await new FollowedTeller({ verifyReplay: true }).start();
  const { world, engine } = pair.primary;
  await pair.begin();
  await pair.deliver('remind', 'forget', 'forget', 'remind');
  await world.run(engine.inject(deposit('b', 2)));
  await world.run(engine.execute('grant', { account: 'c', amount: 30 }));
  await world.advance(1_500); // the reminder comes
  await pair.deliver('forget');
  await pair.feed();
  assert.deepEqual(pair.problems, []);
  assert.deepEqual(ledgerOf(engine).notes, [true, false, false]);
  const before = ledgerOf(engine);
  const next = await pair.takeOver();
  assert.deepEqual(ledgerOf(next), before);
  await pair.ends(next);
});

test('a handler that throws on the backup leaves it without a state until the next snapshot; a takeover before that rebuilds it (H11)', async () => {
  const pair = await new FollowedTeller({ limits: { snapshotEvery: 6 } }).start();
  await pair.begin();
  await pair.deliver('', 'fail');
  pair.behaviour.calls.failures = 1;
  await pair.feed();
  assert.deepEqual([pair.problems[0]?.code, pair.standby.status().phase], ['AEP_REPLAY_FAILED', 'waiting']);
  await pair.deliver('', '', '', '', '');
  await pair.feed();
  assert.equal(pair.standby.status().phase, 'following');
  assert.deepEqual(ledgerOf(await pair.standby.next), ledgerOf(pair.primary.engine));
  pair.behaviour.calls.failures = 1;
  await pair.deliver('fail', '');
  await pair.feed();
  assert.equal(pair.standby.status().phase, 'waiting');
  const before = ledgerOf(pair.primary.engine);
  const engine = await pair.takeOver();
  assert.deepEqual(ledgerOf(engine), before, 'the handler does not throw any more');
  await pair.ends(engine);
});

test('a backup whose history is gone waits for a snapshot (H11, E104)', async () => {
  const pair = await new FollowedTeller({ limits: { snapshotEvery: 5 } }).start();
  await pair.deliver('', '', '');
  await pair.primary.world.advance(3_000);
  pair.primary.store.journal.trim(3);
  await pair.settle();
  await pair.begin();
  await pair.deliver('');
  await pair.feed();
  assert.deepEqual([pair.standby.status().phase, pair.behaviour.calls.count], ['waiting', 0]);
  await pair.deliver('', '', '');
  await pair.feed();
  assert.deepEqual([pair.standby.status().phase, pair.problems, pair.failures], ['following', [], []]);
  assert.deepEqual(ledgerOf(await pair.standby.next), ledgerOf(pair.primary.engine));
  await pair.ends(pair.primary.engine);
});

test('a snapshot that the codec cannot load is told, and the next one that it can is taken (H11)', async () => {
  let refused = 1;
  const choosy = {
    ...codec,
    load: (bytes: Uint8Array): Ledger => {
      if (refused-- > 0) throw new Error('older than this code');
      return codec.load(bytes);
    },
  };
  const options = { limits: { snapshotEvery: 3 } };
  const pair = await new FollowedTeller(options, ({ calls }) => ledgerApp(calls, undefined, choosy)).start();
  await pair.deliver('', '', '', '');
  await pair.primary.world.advance(3_000);
  await pair.begin();
  assert.deepEqual([pair.problems[0]?.code, pair.standby.status().phase], ['AEP_SNAPSHOT_UNREADABLE', 'waiting']);
  await pair.deliver('', '', '');
  await pair.feed();
  assert.equal(pair.standby.status().phase, 'following');
  assert.deepEqual(ledgerOf(await pair.standby.next), ledgerOf(pair.primary.engine));
  await pair.ends(pair.primary.engine);
});

test('a backup sends nothing, and takes nothing from inside its process (H11)', async () => {
  const pair = await new FollowedTeller().start();
  await pair.begin();
  const engine = await pair.standby.next;
  const sender = engine.senderFor<LedgerChannels>();
  assert.equal((await rejection(engine.inject(deposit('a', 1)))).code, 'AEP_ENGINE_STOPPED');
  assert.throws(() => engine.changes(), { code: 'AEP_ENGINE_STOPPED' }, 'what is durable here may still be cut');
  assert.equal((await rejection(sender.sendMessage('events', Deposited.create()))).code, 'AEP_ENGINE_STOPPED');
  await pair.deliver('pause');
  void pair.feed();
  let during: Promise<AepError> | undefined;
  for (let step = 0; step < 200 && during === undefined; step++) {
    await Promise.resolve();
    pair.primary.clock.settle();
    if (pair.behaviour.calls.count > 0) during = rejection(sender.sendMessage('events', Deposited.create()));
  }
  await pair.settle();
  assert.equal((await during!).code, 'AEP_ENGINE_STOPPED', 'while an asynchronous handler is awaited');
  assert.deepEqual([pair.bus.sent.length, pair.standby.status().txId], [0, 1]);
  await pair.ends(pair.primary.engine);
});

test('a handler that hangs on a backup is named, and what waits for it is bounded (E12, H11)', async () => {
  const hanging = ({ calls }: Behaviour): object =>
    defineApp<Ledger, LedgerChannels>({ name: 'teller', stateCodec: codec, factories: [BankFactory] }).on(
      Deposit,
      () => {
        calls.count++;
        return new Promise<void>(() => undefined);
      },
    );
  const pair = await new FollowedTeller({}, hanging).start();
  await pair.begin();
  assert.ok(pair.rooms > 0 && !pair.standby.isBehind);
  await pair.deliver('', '');
  await pair.feed();
  await pair.primary.world.advance(6_000);
  const stuck = pair.primary.world.lines.filter(({ facts }) => facts['alert'] === 'StuckAlert');
  assert.match(stuck[0]!.message, /the replay of transaction 1 has not finished/);
  // The same run again and again: what it is does not matter to the one that waits.
  const [run] = pair.primary.store.journal.readRuns(1);
  while (!pair.standby.isBehind) pair.standby.records(run!);
  assert.equal(pair.behaviour.calls.count, 1);
  pair.standby.end();
  const engine = await pair.standby.next;
  await pair.primary.world.run(engine.stop());
  assert.equal(engine.state, 'stopped', 'and a stop does not wait for it');
  await pair.ends(pair.primary.engine);
});

test('another store gets another engine, because an application may keep something outside of its state (H5)', async () => {
  const pair = await new FollowedTeller().start();
  await pair.deliver('');
  await pair.primary.world.advance(3_000);
  await pair.begin();
  const first = await pair.standby.next;
  pair.standby.end();
  await pair.begin();
  const second = await pair.standby.next;
  assert.notEqual(first, second);
  assert.deepEqual([pair.engines, first.state, pair.standby.status().txId], [2, 'stopped', 1]);
  await pair.ends(pair.primary.engine);
});

test('engines that follow one after the other may share one application object', async () => {
  const app = ledgerApp();
  const pair = await new FollowedTeller({}, () => app).start();
  await pair.deliver('');
  for (let round = 0; round < 3; round++) {
    await pair.begin();
    await pair.feed();
    assert.deepEqual([pair.failures, pair.standby.status().txId], [[], 1]);
    pair.standby.end();
  }
  assert.equal(pair.engines, 3);
  await pair.ends(pair.primary.engine);
});

test('only the engine of an event-sourced application follows, once, before it starts; only there is a replay verified', async () => {
  const pair = await new FollowedTeller().start();
  const listener = { onRoom: () => undefined, onProblem: () => undefined, onFailure: () => undefined };
  const { store } = pair.primary;
  assert.equal((await rejection(pair.primary.engine.follow(store, listener))).code, 'AEP_CANNOT_FOLLOW');
  const teller = new TellerWorld(new Teller());
  assert.equal((await rejection(teller.make().follow(store, listener))).code, 'AEP_CANNOT_FOLLOW');
  assert.throws(() => teller.make({ verifyReplay: true }), { code: 'AEP_OPTIONS_INVALID' });
  await pair.ends(pair.primary.engine);
});
