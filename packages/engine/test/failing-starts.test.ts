import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineApp } from '@aep/engine';
import { AepError } from '@aep/kernel';
import { MemoryStore } from '@aep/store';
import { deposit } from './bank-apps.js';
import { ScriptedBus } from './scripted-bus.js';
import { rejection, TellerWorld, WatchedTeller } from './teller-world.js';
import { World } from './world.js';

test('a start that fails names phase, thing and cause and closes what it opened (E6)', async () => {
  const teller = new TellerWorld(new WatchedTeller());
  teller.bus.openError = new AepError('AEP_BUS_OPEN_FAILED', 'reject', 'wrong password');
  let closed = 0;
  class Watched extends MemoryStore {
    override close(): Promise<void> {
      closed++;
      return super.close();
    }
  }
  const engine = teller.make({ store: () => new Watched({ clock: teller.clock }) });
  const states: string[] = [];
  engine.state$.subscribe((state) => states.push(state));
  const error = await rejection(teller.world.run(engine.start()));
  assert.equal(error.code, 'AEP_MESSAGING_FAILED');
  assert.match(error.message, /^messaging: the buses: .*bank-bus.*wrong password/);
  assert.deepEqual(states, ['created', 'starting', 'stopping', 'stopped']);
  assert.equal(closed, 1);
  assert.ok(teller.app.kinds().includes('MessagingFailed') && teller.app.kinds().includes('BusBindingOpenFailed'));
  assert.equal(engine.messagingState, 'failed');
});

test('a store that does not open fails the start in its phase (E6)', async () => {
  const world = new World();
  const store = () => {
    throw new TypeError('no such directory');
  };
  const error = await rejection(world.run(world.engine('teller', { app: new WatchedTeller(), store }).start()));
  assert.equal(error.code, 'AEP_START_FAILED');
  assert.match(error.message, /^store: opening failed: .*no such directory/);
});

test('a configured value that is missing fails the start and names its path (E1, E6)', async () => {
  const world = new World();
  const app = defineApp({ name: 'teller' }).configured('limits.daily', () => undefined);
  const error = await rejection(world.run(world.engine('teller', { app }).start()));
  assert.equal(error.code, 'AEP_CONFIGURED_MISSING');
  assert.match(error.message, /limits\.daily/);
});

test('a malformed bus description fails messaging, not the process, and waiters get the error (E6)', async () => {
  const teller = new TellerWorld(new WatchedTeller());
  teller.bus.descriptorError = new TypeError('port is not a number');
  const engine = teller.make();
  const error = await rejection(teller.world.run(engine.start()));
  assert.match(error.message, /did not open: port is not a number/);
  assert.equal((await rejection(engine.whenIdle())).code, 'AEP_ENGINE_STOPPED');
  assert.equal((await engine.stopped).cause?.code, 'AEP_MESSAGING_FAILED');
});

for (const [policy, failing, starts] of [
  ['FailIfOneBindingFails', 1, false],
  ['FailIfAllBindingsFail', 1, true],
  ['FailIfAllBindingsFail', 2, false],
  ['NeverFail', 2, true],
] as const) {
  test(`${policy} with ${failing} of 2 buses failing ${starts ? 'starts' : 'does not start'} (E91)`, async () => {
    const world = new World();
    const buses = ['one', 'two'].map((name) => new ScriptedBus(world.clock, name));
    for (const bus of buses.slice(0, failing)) bus.openError = new AepError('AEP_BUS_OPEN_FAILED', 'reject', 'refused');
    const engine = world.engine('teller', {
      app: new WatchedTeller(),
      buses: buses.map((provider) => ({ description: provider.description, provider })),
      policies: { messagingStartFail: policy },
    });
    const outcome = await world.run(
      engine.start().then(
        () => 'started',
        (error: AepError) => error.code,
      ),
    );
    assert.equal(outcome, starts ? 'started' : 'AEP_MESSAGING_FAILED');
    await world.run(engine.stop());
  });
}

test('a bus that was absent at the start is opened again, and what waited for it goes out (E91)', async () => {
  const teller = new TellerWorld(new WatchedTeller());
  teller.bus.openError = new AepError('AEP_BUS_OPEN_FAILED', 'retry', 'connection refused');
  await teller.start({ policies: { messagingStartFail: 'NeverFail' } });
  void teller.engine.inject(deposit('a', 5));
  await teller.world.settle();
  assert.equal(teller.bus.sent.length, 0);
  teller.bus.openError = undefined;
  await teller.idle();
  assert.deepEqual(
    teller.bus.sent.map((sent) => sent.json),
    [{ account: 'a', balance: 5 }],
  );
  await teller.world.run(teller.engine.stop());
});

/** Its start waits for a store until that is handed over; `started` is the error that it ends with. */
async function startWithLateStore() {
  const world = new World();
  const store = world.store('teller');
  let hand = (): void => undefined;
  const engine = world.engine('teller', {
    app: new WatchedTeller(),
    store: () => new Promise<MemoryStore>((done) => (hand = () => done(store))),
  });
  const started = rejection(engine.start());
  await world.settle();
  return { world, store, engine, started, hand };
}

test('a stop during a start ends the start and leaves nothing open (E4, E6)', async () => {
  const { world, store, engine, started, hand } = await startWithLateStore();
  const stopping = engine.stop();
  await world.settle();
  assert.equal(engine.state, 'stopping', 'what the start is opening is closed before the engine has stopped');
  hand();
  await world.run(stopping);
  assert.equal((await started).code, 'AEP_ENGINE_STOPPED');
  assert.equal(engine.state, 'stopped');
  assert.equal(store.journal.append(new Uint8Array(64), 64), 'closed');
});

test('a store that opens after the stop has given up waiting is closed at once (E4, E6)', async () => {
  const { world, store, engine, started, hand } = await startWithLateStore();
  await world.run(engine.stop(undefined, 50));
  hand();
  assert.equal((await world.run(started)).code, 'AEP_ENGINE_STOPPED');
  assert.equal(store.journal.append(new Uint8Array(64), 64), 'closed');
});

test('an application that an engine has is refused to another one, until that has stopped (E1)', async () => {
  for (const app of [new WatchedTeller(), defineApp({ name: 'teller' })]) {
    const world = new World();
    const first = world.engine('first', { app });
    await world.run(first.start());
    const error = await rejection(world.run(world.engine('second', { app }).start()));
    assert.equal(error.code, 'AEP_APP_IN_USE');
    assert.match(error.message, /engine "second" cannot start .* engine "first" has it and is started/);
    await world.run(first.stop());
    const third = world.engine('third', { app });
    await world.run(third.start());
    await world.run(third.stop());
  }
});

test('two known engines whose names give the same sender id are refused (E50)', async () => {
  const [one, two] = CLASHING_NAMES;
  const world = new World();
  const bus = new ScriptedBus(world.clock, 'b', [{ app: two, channel: 'events', patterns: ['**'] }]);
  const engine = world.engine(one, {
    app: new WatchedTeller(),
    buses: [{ description: bus.description, provider: bus }],
  });
  const error = await rejection(world.run(engine.start()));
  assert.equal(error.code, 'AEP_SENDER_ID_CLASH');
  assert.match(error.message, new RegExp(`"${one}" and "${two}"`));
});

for (const [name, options, code] of [
  ['an unknown limit', { limits: { queue: 3 } as never }, 'AEP_OPTIONS_INVALID'],
  ['a limit out of range', { limits: { inboundQueueMax: 0 } }, 'AEP_OPTIONS_INVALID'],
  ['a message limit that no journal entry holds', { limits: { messageBytesMax: 2 ** 24 } }, 'AEP_OPTIONS_INVALID'],
] as const) {
  test(`${name} is refused when the engine is made (E43)`, () => {
    assert.throws(() => new World().engine('teller', { app: new WatchedTeller(), ...options }), { code });
  });
}

/** Found by trying; both hash to the same 32 bits. */
const CLASHING_NAMES = ['teller-1079599', 'teller-1262382'] as const;
