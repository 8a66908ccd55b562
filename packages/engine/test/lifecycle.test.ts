import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  App,
  AppFinalizer,
  AppInitializer,
  AppMain,
  ChannelUp,
  Configured,
  defineApp,
  type Engine,
  EngineActive,
  EngineCreated,
  EngineEvent,
  EngineStarted,
  EngineStopping,
  EventHandler,
  InjectEngine,
  MessagingPrestart,
} from '@aep/engine';
import { AepError } from '@aep/kernel';
import { deposit } from './bank-apps.js';
import { Bank, BankFactory, Deposit } from './gen/bank.js';
import { rejection, startedTeller, TellerWorld, WatchedTeller } from './teller-world.js';
import { World } from './world.js';

@App({ state: Bank, factories: [BankFactory] })
class Diary {
  readonly lines: string[] = [];
  @Configured('region', { default: 'EMEA' }) region = 'unset';
  @InjectEngine() engine: Engine | undefined;

  @EventHandler(EngineEvent)
  onEvent(event: EngineEvent): void {
    const known = event instanceof EngineCreated ? ` region=${this.region} engine=${this.engine?.name ?? 'none'}` : '';
    const place = event instanceof ChannelUp ? ` ${event.channel}` : '';
    this.lines.push(event.constructor.name + known + place);
  }

  @EventHandler(Deposit, { source: 'deposits' })
  onDeposit(): void {
    this.lines.push('deposit');
  }

  @EventHandler(MessagingPrestart)
  onPrestart(event: MessagingPrestart): void {
    event.firstMessage = deposit('first', 1);
    event.initialMessages.push(deposit('initial', 2));
  }

  @AppInitializer() init(): void {
    this.lines.push('initializer');
  }

  @AppMain() async main(signal: AbortSignal): Promise<void> {
    this.lines.push('main begins');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    this.lines.push('main ends');
  }

  @AppFinalizer() end(): void {
    this.lines.push('finalizer');
  }
}

test('a start and a stop raise their events in order (E1, E2, E3, E4)', async () => {
  const teller = await new TellerWorld(new Diary()).start();
  await teller.world.settle();
  await teller.world.run(teller.engine.stop());
  assert.deepEqual(teller.app.lines, [
    'EngineCreated region=EMEA engine=none',
    'initializer',
    'EngineStarted',
    'MessagingPrestart',
    'deposit',
    'deposit',
    'ChannelUp events',
    'ChannelUp news',
    'ChannelUp deposits',
    'MessagingStarted',
    'EngineActive',
    'main begins',
    'EngineStopping',
    'main ends',
    'EngineStopped',
    'finalizer',
  ]);
});

test('MessagingStarted waits for slow joins, and after the threshold goes on with an alert (E1)', async () => {
  const teller = new TellerWorld(new Diary());
  teller.bus.joinsLate = true;
  const start = teller.make().start();
  await teller.world.settle();
  assert.ok(!teller.app.lines.includes('MessagingStarted'));
  await teller.world.run(start);
  assert.ok(teller.app.lines.includes('StuckAlert') && teller.app.lines.includes('EngineActive'));
  await teller.world.run(teller.engine.stop());
});

test('first and initial messages are handled once in the life of a journal (E2)', async () => {
  const teller = await new TellerWorld(new Diary()).start();
  await teller.restart(new Diary());
  assert.ok(!teller.app.lines.includes('deposit'));
  await teller.world.run(teller.engine.stop());
});

test('a crash in the middle of the initial messages loses and repeats none (E2)', async () => {
  const makeApp = (seen: string[]) =>
    defineApp({ name: 'teller', state: Bank, factories: [BankFactory] })
      .onEvent(
        MessagingPrestart,
        (event) => void event.initialMessages.push(...['a', 'b', 'c'].map((n) => deposit(n, 1))),
      )
      .on(Deposit, async (message, { state }) => {
        const { account } = message;
        await Promise.resolve();
        seen.push(account);
        state.deposits++;
      });
  const world = new World();
  world.store('teller').faults.commitMs = () => 5;
  const seen: string[] = [];
  void world
    .engine('teller', { app: makeApp(seen) })
    .start()
    .catch(() => undefined);
  while (world.store('teller').journal.stableTxId === 0) {
    world.clock.runNext();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const survived = world.store('teller').journal.stableTxId;
  assert.ok(survived < 3, `the crash comes in between, after ${survived}`);
  world.crash('lost');
  const again: string[] = [];
  const engine = world.engine<Bank>('teller', { app: makeApp(again) });
  await world.run(engine.start());
  assert.equal(again.length, 3 - survived);
  assert.equal(
    engine.read((bank) => bank.deposits),
    3,
  );
  await world.run(engine.stop());
});

test('more initial messages than the queue holds all go through (E2)', async () => {
  const app = defineApp({ name: 'teller', state: Bank, factories: [BankFactory] })
    .onEvent(MessagingPrestart, (event) => {
      for (let n = 0; n < 50; n++) event.initialMessages.push(deposit('a', 1));
    })
    .on(Deposit, (_message, { state }) => void state.deposits++);
  const world = new World();
  const engine = world.engine<Bank>('teller', { app, limits: { inboundQueueMax: 4 } });
  await world.run(engine.start());
  assert.equal(
    engine.read((bank) => bank.deposits),
    50,
  );
  await world.run(engine.stop());
});

test('a stop drains what was accepted, and says so (E4)', async () => {
  const teller = await startedTeller();
  teller.store.faults.commitMs = () => 20;
  for (let n = 0; n < 10; n++) teller.bus.deliver(deposit('a', 1));
  await teller.world.settle();
  const report = await teller.world.run(teller.engine.stop());
  assert.deepEqual([report.drained, report.cause, teller.bus.acknowledged.length], [true, undefined, 10]);
});

test('at its deadline a stop names the handler that holds it (E4)', async () => {
  const app = defineApp({ name: 'teller', state: Bank, factories: [BankFactory] }).on(
    Deposit,
    () => new Promise(() => undefined),
  );
  const teller = await new TellerWorld(app).start({ limits: { stopDeadlineMs: 300 } });
  teller.bus.deliver(deposit('a', 1));
  await teller.world.settle();
  const report = await teller.world.run(teller.engine.stop());
  assert.equal(report.drained, false);
  assert.match(report.heldBy!, /handler teller\.on\(bank\.Deposit\) has not finished/);
  assert.deepEqual(teller.bus.acknowledged, []);
});

test('at its deadline a stop names the channel whose bus does not confirm (E4)', async () => {
  const teller = await startedTeller({ limits: { stopDeadlineMs: 300 } });
  teller.bus.confirms = false;
  teller.bus.deliver(deposit('a', 1));
  await teller.world.settle();
  const report = await teller.world.run(teller.engine.stop());
  assert.match(report.heldBy!, /events@bank-bus/);
});

test('at its deadline a stop names a main that does not end (E3, E4)', async () => {
  const app = defineApp({ name: 'teller', factories: [BankFactory] }).main(() => new Promise(() => undefined));
  const teller = await new TellerWorld(app).start({ limits: { stopDeadlineMs: 300 } });
  assert.match((await teller.world.run(teller.engine.stop())).heldBy!, /a main .* has not ended/);
});

test('a stop leaves no timer behind (E4)', async () => {
  const teller = await startedTeller();
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  await teller.world.run(teller.engine.stop());
  await teller.world.settle();
  assert.equal(teller.clock.pending, 0);
});

test('promises of local events that a stop gives up reject (E4)', async () => {
  const app = defineApp({ name: 'teller', state: Bank, factories: [BankFactory] }).on(
    Deposit,
    () => new Promise(() => undefined),
  );
  const teller = await new TellerWorld(app).start({ limits: { stopDeadlineMs: 50 } });
  const handled = rejection(teller.engine.inject(deposit('a', 1)));
  const queued = rejection(teller.engine.inject(deposit('b', 1)));
  await teller.world.settle();
  await teller.world.run(teller.engine.stop());
  assert.deepEqual([(await handled).code, (await queued).code], ['AEP_ENGINE_STOPPED', 'AEP_ENGINE_STOPPED']);
});

for (const [byDefault, byHandler, cause, expected] of [
  [false, undefined, false, false],
  [true, undefined, false, true],
  [true, false, false, false],
  [false, true, false, true],
  [false, false, true, true],
] as const) {
  test(`joins are ${expected ? 'kept' : 'left'}: policy ${byDefault}, handler ${byHandler}, ${cause ? 'with' : 'without'} a cause (E4)`, async () => {
    const app = defineApp({ name: 'teller', factories: [BankFactory] }).onEvent(EngineStopping, (event) => {
      if (byHandler !== undefined) event.setPreserveChannelJoins(byHandler);
    });
    const teller = await new TellerWorld(app).start({ policies: { preserveChannelJoinsOnStop: byDefault } });
    await teller.world.run(teller.engine.stop(cause ? new AepError('AEP_TEST', 'reject', 'asked for') : undefined));
    assert.deepEqual(teller.bus.closedWith, [expected]);
  });
}

test('a handler of a start event may wait for the stop that it asks for (E4)', async () => {
  const app = defineApp({ name: 'teller' }).onEvent(
    EngineStarted,
    async (_event, { engine }) => void (await engine.stop()),
  );
  const world = new World();
  const engine = world.engine('teller', { app });
  assert.equal((await rejection(world.run(engine.start(), 1_000))).code, 'AEP_ENGINE_STOPPED');
  assert.equal(engine.state, 'stopped');
});

test('an engine is started once (E5)', async () => {
  const teller = await startedTeller();
  assert.equal((await rejection(teller.engine.start())).code, 'AEP_ENGINE_STATE');
  await teller.world.run(teller.engine.stop());
  assert.equal((await rejection(teller.engine.start())).code, 'AEP_ENGINE_STATE');
  assert.throws(() => teller.engine.read(() => 0), { code: 'AEP_ENGINE_STOPPED' });
});

test('states are observable and their streams end with the engine (E5)', async () => {
  const teller = new TellerWorld(new WatchedTeller());
  const engine = teller.make();
  const seen: string[] = [];
  engine.messaging$.subscribe({ next: (state) => seen.push(state), complete: () => seen.push('end') });
  await teller.world.run(engine.start());
  await teller.world.run(engine.stop());
  assert.deepEqual(seen, ['stopped', 'starting', 'started', 'stopping', 'stopped', 'end']);
});

test('a main that throws stops the engine with its error (E3)', async () => {
  const app = defineApp({ name: 'teller' }).main(async () => {
    await Promise.resolve();
    throw new Error('main is broken');
  });
  const world = new World();
  const engine = world.engine('teller', { app });
  await world.run(engine.start());
  assert.match((await world.run(engine.stopped)).cause!.message, /main: teller failed: .*main is broken/);
});

test('an exception in a handler of engine events is an alert, and the start goes on (E7, E22)', async () => {
  const alerts: string[] = [];
  const app = defineApp({ name: 'teller' }).onEvent(EngineActive, () => {
    throw new Error('not ready');
  });
  const world = new World();
  const engine = world.engine('teller', { app });
  engine.alerts$.subscribe((alert) => alerts.push(alert.message));
  await world.run(engine.start());
  assert.match(alerts.join(), /AEP_HANDLER_FAILED.*not ready/);
  await world.run(engine.stop());
});
