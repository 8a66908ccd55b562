import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AfterDispatch,
  App,
  AppFinalizer,
  AppInitializer,
  AppMain,
  BeforeDispatch,
  Command,
  Configured,
  defineApp,
  DefaultHandler,
  type Engine,
  EngineActive,
  EventHandler,
  InjectEngine,
  InjectSender,
  type MessageEvent,
  MessageFilter,
  type Sender,
} from '@aep/engine';
import type { MessageView } from '@aep/messages';
import { deposit, told } from './bank-apps.js';
import { Bank, BankFactory, Deposit, Deposited } from './gen/bank.js';
import { rejection, TellerWorld } from './teller-world.js';

interface Channels {
  events: Deposited;
}

/** What one form of the application leaves behind. */
interface Form {
  readonly app: object;
  readonly lines: string[];
}

function decorated(): Form {
  @App({ state: Bank, factories: [BankFactory] })
  class Teller {
    readonly lines: string[] = [];
    @Configured('region', { default: 'EMEA' }) region!: string;
    @InjectEngine() engine!: Engine<Bank>;
    @InjectSender() sender!: Sender<Channels>;
    @AppInitializer() init(): void {
      this.lines.push(`initializer ${this.region} ${this.engine.name}`);
    }
    @EventHandler(EngineActive) active(): void {
      this.lines.push('active');
    }
    @AppMain() main(signal: AbortSignal): void {
      this.lines.push(`main ${signal.aborted}`);
    }
    @MessageFilter() accept(event: MessageEvent): boolean {
      return event.key !== 'refused';
    }
    @BeforeDispatch() before(event: MessageEvent): void {
      this.lines.push(`before ${event.origin}`);
    }
    @EventHandler(Deposit, { source: 'deposits' }) onDeposit(message: Deposit, bank: Bank): void {
      const account = bank.accounts.getOrCreate(message.account);
      account.balance += message.amount;
      this.sender.send('events', told(message.account, { balance: account.balance }));
      if (message.instruction === 'fail') throw new Error('asked to fail');
    }
    @DefaultHandler() other(message: MessageView): void {
      this.lines.push(`other ${message.$type.fullName}`);
    }
    @AfterDispatch() after(): void {
      this.lines.push('after');
    }
    @Command('total', { options: { account: { type: 'string', required: true } } })
    total(args: { account: string }, bank: Bank): number {
      return bank.accounts.get(args.account)?.balance ?? 0;
    }
    @AppFinalizer() end(): void {
      this.lines.push('finalizer');
    }
  }
  const app = new Teller();
  return { app, lines: app.lines };
}

function defined(): Form {
  const lines: string[] = [];
  let region = '';
  const app = defineApp<Bank, Channels>({ name: 'teller', state: Bank, factories: [BankFactory] })
    .configured('region', (value) => (region = String(value)), 'EMEA')
    .initializer(({ engine }) => void lines.push(`initializer ${region} ${engine.name}`))
    .onEvent(EngineActive, () => void lines.push('active'))
    .main((_context, signal) => void lines.push(`main ${signal.aborted}`))
    .filter((event) => event.key !== 'refused')
    .before((event) => void lines.push(`before ${event.origin}`))
    .on(
      Deposit,
      (message, { state, send }) => {
        const account = state.accounts.getOrCreate(message.account);
        account.balance += message.amount;
        send('events', told(message.account, { balance: account.balance }));
        if (message.instruction === 'fail') throw new Error('asked to fail');
      },
      { source: 'deposits' },
    )
    .onOther((message) => void lines.push(`other ${message.$type.fullName}`))
    .after(() => void lines.push('after'))
    .command(
      'total',
      { options: { account: { type: 'string', required: true } } },
      (args, { state }) => state.accounts.get(String(args['account']))?.balance ?? 0,
    )
    .finalizer(() => void lines.push('finalizer'));
  return { app, lines };
}

for (const [form, make] of [
  ['a decorated class', decorated],
  ['defineApp', defined],
] as const) {
  test(`${form} does everything that an application can do (E1, E10, E13, E14, E15, E20, E101)`, async () => {
    const { app, lines } = make();
    const teller = new TellerWorld(app);
    await teller.start({ policies: { retriesMax: 0 } });
    teller.bus.deliver(deposit('a', 1));
    teller.bus.deliver(deposit('a', 2), { key: 'refused' });
    teller.bus.deliver(deposit('a', 4, 'fail'));
    teller.bus.deliver(told('x', { balance: 1 }));
    teller.bus.deliver(deposit('a', 8));
    await teller.idle();
    assert.equal(await teller.world.run(teller.engine.execute('total', { account: 'a' })), 9);
    assert.equal((await rejection(teller.engine.execute('totals'))).code, 'AEP_COMMAND_UNKNOWN');
    assert.deepEqual(
      teller.bus.sent.map((sent) => sent.json['balance']),
      [1, 9],
    );
    assert.equal(teller.engine.deadLetters.list().length, 1);
    assert.deepEqual(teller.bus.acknowledged, [1, 2, 3, 4, 5]);
    await teller.restart(make().app, { policies: { retriesMax: 0 } });
    assert.equal(teller.balance('a'), 9);
    await teller.world.run(teller.engine.stop());
    assert.deepEqual(lines, [
      'initializer EMEA teller',
      'active',
      'main false',
      'before bus',
      'after',
      'before bus',
      'before bus',
      'other bank.Deposited',
      'after',
      'before bus',
      'after',
    ]);
  });
}
