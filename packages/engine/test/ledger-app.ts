import { defineApp, type StateCodec } from '@aep/engine';
import { deposit } from './bank-apps.js';
import { BankFactory, Deposit, Deposited } from './gen/bank.js';

export interface Ledger {
  readonly balances: Record<string, number>;
  readonly notes: unknown[];
}

export const codec: StateCodec<Ledger> = {
  create: () => ({ balances: {}, notes: [] }),
  save: (ledger) => Buffer.from(JSON.stringify(ledger)),
  load: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Ledger,
};

export interface LedgerChannels {
  events: Deposited;
}

/** Handles deposits; counts its calls, replays included. `noise` makes it nondeterministic. */
export function ledgerApp(calls = { count: 0, failures: 0 }, noise: () => number = () => 0, stateCodec = codec) {
  return defineApp<Ledger, LedgerChannels>({ name: 'teller', stateCodec, factories: [BankFactory] })
    .on(Deposit, async (message, { state, engine, send }) => {
      calls.count++;
      const { account, amount, instruction } = message;
      await (instruction === 'pause' ? new Promise((resolve) => setImmediate(resolve)) : undefined);
      state.balances[account] = (state.balances[account] ?? 0) + amount;
      if (instruction === 'note') state.notes.push([engine.now(), engine.random(), engine.newId()]);
      if (instruction === 'hidden') state.notes.push(noise());
      if (instruction === 'fail' && calls.failures-- > 0) throw new Error('asked to fail');
      if (instruction === 'forget') state.notes.push(engine.cancel('reminder'));
      if (instruction === 'remind') engine.schedule(deposit(account, 100), { delayMs: 1_000, id: 'reminder' });
      const event = Deposited.create();
      event.account = account;
      event.balance = state.balances[account] + (instruction === 'noisy' ? noise() : 0);
      send('events', event);
    })
    .command('grant', { options: { account: { type: 'string' }, amount: { type: 'number' } } }, (args, { state }) => {
      state.balances[String(args['account'])] = Number(args['amount']);
    });
}
