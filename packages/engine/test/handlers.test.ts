import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AfterDispatch,
  App,
  BeforeDispatch,
  Command,
  DefaultHandler,
  defineApp,
  EventHandler,
  InjectEngine,
  InjectSender,
  MessageEvent,
  MessageFilter,
  StuckAlert,
} from '@aep/engine';
import { MessageView } from '@aep/messages';
import { Customer, deposit } from './bank-apps.js';
import { Bank, BankFactory, Deposit, Deposited } from './gen/bank.js';
import { startedTeller, TellerWorld, WatchedTeller } from './teller-world.js';
import { World } from './world.js';

/** Runs an application over one delivered deposit and answers what it noted. */
async function linesOf(app: { readonly lines: string[] } & object, options = {}): Promise<string[]> {
  const teller = await new TellerWorld(app).start(options);
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  await teller.world.run(teller.engine.stop());
  return app.lines;
}

@App({ factories: [BankFactory] })
class Several {
  readonly lines: string[] = [];
  @EventHandler(MessageView) all(message: MessageView): void {
    this.lines.push(`all ${message.$type.fullName}`);
  }
  @EventHandler() bare(message: Deposit): void {
    this.lines.push(`bare ${message.account}`);
  }
  @EventHandler(Deposit) async typed(message: Deposit): Promise<void> {
    await Promise.resolve();
    this.lines.push(`typed ${message.account}`);
  }
  @EventHandler(MessageEvent) event(event: MessageEvent): void {
    this.lines.push(`event ${event.channel}@${event.bus} ${event.origin} ${(event.message as Deposit).amount}`);
  }
  @EventHandler(Deposit, { source: 'events' }) elsewhere(): void {
    this.lines.push('never');
  }
  @EventHandler(Deposit, { source: 'deposits@bank-bus' }) here(): void {
    this.lines.push('here');
  }
  @EventHandler(Deposit, { source: '@bank-bus' }) bus(): void {
    this.lines.push('bus');
  }
  @EventHandler(Deposit, { localOnly: true }) local(): void {
    this.lines.push('local');
  }
}

test('handlers of a type, of all messages and of a source run in the order of registration (E10, E11)', async () => {
  assert.deepEqual(await linesOf(new Several()), [
    'all bank.Deposit',
    'bare a',
    'typed a',
    'event deposits@bank-bus bus 1',
    'here',
    'bus',
  ]);
});

test('an injected message reaches handlers whatever their source, and those for local messages (E10)', async () => {
  const app = new Several();
  const teller = await new TellerWorld(app).start();
  await teller.world.run(teller.engine.inject(deposit('a', 1)));
  assert.deepEqual(app.lines.slice(-5), ['event @ injected 1', 'never', 'here', 'bus', 'local']);
  await teller.world.run(teller.engine.stop());
});

test('only sources that name a channel cause a join, and a local handler causes none (E10, E86)', async () => {
  const app = defineApp({ name: 'teller', factories: [BankFactory] })
    .on(Deposited, () => undefined, { source: 'events' })
    .on(Deposited, () => undefined, { source: '@bank-bus' })
    .on(Deposited, () => undefined, { source: 'news', localOnly: true });
  const teller = new TellerWorld(app);
  const { description } = teller.bus;
  await teller.start({ buses: [{ description, provider: teller.bus }] });
  assert.deepEqual(teller.bus.binding.joined, ['events']);
  await teller.world.run(teller.engine.stop());
});

test('a source that does not exist is refused at the start with the nearest name (E10, E42)', async () => {
  const app = defineApp({ name: 'teller', factories: [BankFactory] }).on(Deposited, () => undefined, {
    source: 'event@bank-bus',
  });
  const teller = new TellerWorld(app);
  await assert.rejects(teller.world.run(teller.make().start()), (error: Error) => {
    assert.match(error.message, /did you mean "events@bank-bus"/);
    return true;
  });
});

test('a handler whose type cannot be told is refused when the class is made, with the form to write (E10)', () => {
  const refused = (bad: () => void): void =>
    assert.throws(bad, { code: 'AEP_HANDLER_TYPE', message: /@EventHandler\(NewOrderMessage\)/ });
  refused(() => {
    class Untyped {
      @EventHandler() onAny(message: object): object {
        return message;
      }
    }
    return Untyped;
  });
  refused(() => {
    class Text {
      @EventHandler() onText(message: string): string {
        return message;
      }
    }
    return Text;
  });
  refused(() => {
    class Foreign {
      @EventHandler(Date as never) onDate(): void {}
    }
    new World().engine('x', { app: new Foreign() });
  });
});

test('a handler for a type of no factory, and a decorated property that is no method, are refused (E11)', async () => {
  const world = new World();
  const app = defineApp({ name: 'x' }).on(Deposit, () => undefined);
  await assert.rejects(world.run(world.engine('x', { app }).start()), { code: 'AEP_APP_INVALID' });
  class NoMethod {
    declare field: number;
    other(): void {}
  }
  Object.assign(NoMethod.prototype, { field: 3 });
  (EventHandler(Deposit) as unknown as (target: object, name: string) => void)(NoMethod.prototype, 'field');
  assert.throws(() => world.engine('y', { app: new NoMethod() }), { code: 'AEP_APP_INVALID' });
});

/** What a compiler emits for standard decorators: the decorator gets the function and a context with `addInitializer`. */
function decorateStandard(constructor: { prototype: object }, members: Record<string, unknown>): () => object {
  const initializers: ((this: object) => void)[] = [];
  for (const [name, decorator] of Object.entries(members)) {
    const method = (constructor.prototype as Record<string, unknown>)[name];
    const context = {
      kind: method === undefined ? 'field' : 'method',
      name,
      addInitializer: (call: (this: object) => void) => initializers.push(call),
    };
    (decorator as (value: unknown, context: object) => void)(method, context);
  }
  return () => {
    const instance = new (constructor as unknown as new () => object)();
    for (const initialize of initializers) initialize.call(instance);
    return instance;
  };
}

test('decorators take the standard call shape too, also for two instances of a class (E10)', async () => {
  class Plain {
    readonly lines: string[] = [];
    onDeposit(message: Deposit): void {
      this.lines.push(`deposit ${message.account} ${typeof (this as { engine?: object }).engine}`);
    }
    before(): void {
      this.lines.push('before');
    }
    total(): number {
      return 7;
    }
  }
  const make = decorateStandard(Plain, {
    onDeposit: EventHandler(Deposit),
    before: BeforeDispatch(),
    total: Command('total'),
    engine: InjectEngine(),
    sender: InjectSender(),
  });
  App({ factories: [BankFactory] })(Plain as never, { kind: 'class' } as never);
  make();
  assert.deepEqual(await linesOf(make() as Plain), ['before', 'deposit a object']);
});

test('a bare decorator in the standard call shape says which form to write (E10)', () => {
  class Bare {
    onDeposit(): void {}
  }
  const make = decorateStandard(Bare, { onDeposit: EventHandler() });
  assert.throws(make, { code: 'AEP_HANDLER_TYPE', message: /no metadata was written/ });
});

for (const [policy, hasTyped, expected] of [
  ['DispatchIfNoAnnotatedHandlers', true, ['typed']],
  ['DispatchIfNoAnnotatedHandlers', false, ['default']],
  ['DispatchAlways', true, ['typed', 'default']],
] as const) {
  test(`default handler with ${policy}, ${hasTyped ? 'with' : 'without'} a typed one (E13)`, async () => {
    class WithDefault {
      readonly lines: string[] = [];
      @DefaultHandler() other(): void {
        this.lines.push('default');
      }
    }
    class WithBoth extends WithDefault {
      @EventHandler(Deposit) typed(): void {
        this.lines.push('typed');
      }
    }
    App({ factories: [BankFactory] })(WithDefault);
    App({ factories: [BankFactory] })(WithBoth);
    const app = hasTyped ? new WithBoth() : new WithDefault();
    assert.deepEqual(await linesOf(app, { policies: { defaultHandler: policy } }), expected);
  });
}

test('an application has one default handler (E13)', () => {
  const app = defineApp({ name: 'x' }).onOther(() => undefined);
  assert.throws(() => app.onOther(() => undefined), { code: 'AEP_APP_INVALID' });
});

/** Throws at the place that is named. */
@App({ state: Bank, factories: [BankFactory] })
class Hooked {
  readonly lines: string[] = [];
  constructor(private readonly throwsAt: string) {}
  @BeforeDispatch() first(): void {
    this.pass('before 1');
  }
  @BeforeDispatch() second(event: MessageEvent): void {
    this.pass(`before 2`);
    this.lines.push(event.message.$type.fullName);
  }
  @EventHandler(Deposit) handle(_message: Deposit, bank: Bank): void {
    bank.deposits++;
    this.pass('handler');
  }
  @AfterDispatch() after(): void {
    this.pass('after');
  }
  private pass(place: string): void {
    this.lines.push(place);
    if (place === this.throwsAt) throw new Error(`${place} was asked to throw`);
  }
}

for (const [throwsAt, expected, deposits] of [
  ['', ['before 1', 'before 2', 'bank.Deposit', 'handler', 'after'], 1],
  ['before 1', ['before 1'], 0],
  ['handler', ['before 1', 'before 2', 'bank.Deposit', 'handler'], 0],
  ['after', ['before 1', 'before 2', 'bank.Deposit', 'handler', 'after'], 0],
] as const) {
  test(`hooks around a handler, with an exception in ${throwsAt || 'none of them'} (E14)`, async () => {
    const teller = await new TellerWorld(new Hooked(throwsAt)).start({ policies: { appException: 'LogAndContinue' } });
    teller.bus.deliver(deposit('a', 1));
    await teller.idle();
    assert.deepEqual(teller.app.lines, expected);
    assert.equal(
      teller.engine.read((bank) => bank.deposits),
      deposits,
    );
    assert.deepEqual(teller.bus.acknowledged, [1]);
    await teller.world.run(teller.engine.stop());
  });
}

test('hooks of the default chain run where no typed handler matches (E14)', async () => {
  const lines: string[] = [];
  const app = defineApp({ name: 'teller', factories: [BankFactory] })
    .before((event) => void lines.push(`before ${event.channel}`))
    .onOther(() => void lines.push('other'))
    .after(() => void lines.push('after'));
  await linesOf(Object.assign(app, { lines }));
  assert.deepEqual(lines, ['before deposits', 'other', 'after']);
});

@App({ state: Bank, factories: [BankFactory] })
class Filtering extends WatchedTeller {
  filterCalls = 0;
  filterFailures = 0;
  @MessageFilter() accept(event: MessageEvent): boolean {
    this.filterCalls++;
    if (this.filterFailures-- > 0) throw new Error('the filter was asked to fail');
    return (event.message as Deposit).account !== 'refused';
  }
}

test('a filtered message is acknowledged in order, not journaled, and its number is remembered (E15)', async () => {
  const teller = await new TellerWorld(new Filtering()).start();
  for (const account of ['a', 'refused', 'b']) teller.bus.deliver(deposit(account, 1));
  teller.bus.deliver(deposit('refused', 1), { sno: 2 });
  await teller.idle();
  assert.deepEqual(teller.bus.acknowledged, [1, 2, 3, 2]);
  assert.equal(teller.store.journal.lastTxId, 2);
  const { counters, channels } = teller.engine.statistics();
  assert.deepEqual([counters['filtered'], counters['duplicates']], [1, 1]);
  assert.equal(channels['deposits@bank-bus']!.filtered, 1);
  await teller.world.run(teller.engine.stop());
});

test('a filter that throws is tried again with the message that it refused to judge (E15, E20)', async () => {
  const teller = await new TellerWorld(new Filtering()).start();
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  teller.app.filterFailures = 1;
  teller.bus.deliver(deposit('refused', 1));
  teller.bus.deliver(deposit('b', 1));
  await teller.idle();
  assert.deepEqual([teller.balance('a'), teller.balance('refused'), teller.balance('b')], [1, 0, 1]);
  assert.deepEqual(teller.bus.acknowledged, [1, 2, 3]);
  await teller.world.run(teller.engine.stop());
});

test('the engine waits for an async handler before the next event, and says when one hangs (E12)', async () => {
  const lines: string[] = [];
  let release: () => void = () => undefined;
  const app = defineApp({ name: 'teller', factories: [BankFactory] })
    .on(Deposit, async (message) => {
      const { account } = message;
      lines.push(`${account} begins`);
      if (account === 'slow') await new Promise<void>((resolve) => (release = resolve));
      lines.push(`${account} ends`);
    })
    .onEvent(StuckAlert, (alert) => void lines.push(alert.what));
  const teller = await new TellerWorld(app).start({ limits: { stuckAlertThresholdMs: 100 } });
  teller.bus.deliver(deposit('slow', 1));
  teller.bus.deliver(deposit('next', 1));
  await teller.world.advance(120);
  release();
  await teller.idle();
  assert.deepEqual(lines, ['slow begins', 'handler teller.on(bank.Deposit)', 'slow ends', 'next begins', 'next ends']);
  assert.deepEqual(teller.bus.acknowledged, [1, 2]);
  await teller.world.run(teller.engine.stop());
});

test('a received view ends with its handlers, and a handler that disposes it harms nobody (E72)', async () => {
  let kept: Deposit | undefined;
  const app = defineApp({ name: 'teller', state: Bank, factories: [BankFactory] }).on(Deposit, (message, { state }) => {
    state.deposits++;
    kept = message;
    if (message.account === 'dispose') message.dispose();
  });
  const teller = await new TellerWorld(app).start();
  for (const account of ['a', 'dispose', 'b']) teller.bus.deliver(deposit(account, 1));
  await teller.idle();
  assert.equal(
    teller.engine.read((bank) => bank.deposits),
    3,
  );
  assert.throws(() => kept!.account, { code: 'AEP_VIEW_DISPOSED' });
  await teller.world.run(teller.engine.stop());
});

test('a message of a class with inherited handlers is handled once by each (E10)', async () => {
  const teller = await startedTeller();
  teller.bus.deliver(deposit('a', 3));
  await teller.idle();
  assert.deepEqual([teller.app.calls, teller.balance('a')], [1, 3]);
  assert.ok(new Customer() instanceof Customer);
  await teller.world.run(teller.engine.stop());
});
