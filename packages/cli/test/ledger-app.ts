import {
  App,
  Command,
  defineApp,
  type Engine,
  EventHandler,
  InjectEngine,
  InjectSender,
  type Sender,
} from '@aep/engine';
import { Deposit, Deposited, Ledger, LedgerFactory } from './gen/ledger.js';

interface LedgerChannels {
  deposits: Deposit;
  events: Deposited;
}

/** Keeps accounts; a deposit of 13 fails, one of 0 closes the account. */
@App({ state: Ledger, factories: [LedgerFactory] })
export class LedgerApp {
  @InjectEngine() engine!: Engine<Ledger>;
  @InjectSender() sender!: Sender<LedgerChannels>;
  isForgiving = false;

  @EventHandler(Deposit)
  onDeposit({ account, amount }: Deposit, ledger: Ledger): void {
    if (amount === 13 && !this.isForgiving) throw new Error('13 is unlucky');
    if (amount === 0) {
      ledger.accounts.delete(account);
      return;
    }
    const entry = ledger.accounts.getOrCreate(account);
    entry.balance += amount;
    ledger.deposits++;
    ledger.lines.push().text = `${account} +${amount}`;
    const event = Deposited.create();
    event.account = account;
    event.balance = entry.balance;
    this.sender.send('events', event);
  }

  @Command('total', {
    description: 'sum of all balances',
    options: {
      least: { type: 'number', description: 'leave out smaller ones', default: 0 },
      loud: { type: 'boolean' },
    },
  })
  total({ least, loud }: { least: number; loud?: boolean }, ledger: Ledger): unknown {
    let total = 0;
    for (const [, { balance }] of ledger.accounts.range()) if (balance >= least) total += balance;
    return loud === true ? `${total}!` : { total };
  }

  @Command('forgive', { description: 'handle deposits of 13 from now on' })
  forgive(): void {
    this.isForgiving = true;
  }
}

/** The same types without decorators and without a handler. */
export const quietLedger = defineApp({ name: 'quiet', state: Ledger, factories: [LedgerFactory] });

export const notAnApp = 7;
