import { App, defineApp, type Engine, EventHandler, InjectEngine, InjectSender, type Sender } from '@aep/engine';
import type { BusDescription, LoopbackProvider } from '@aep/bus';
import { Bank, BankFactory, Deposit, Deposited } from './gen/bank.js';

export interface BankChannels {
  deposits: Deposit;
  events: Deposited;
  news: Deposited;
}

/** Books deposits and tells about each. `instruction` makes it misbehave in the ways that tests ask for. */
@App({ state: Bank, factories: [BankFactory] })
export class Teller {
  @InjectSender() sender!: Sender<BankChannels>;
  @InjectEngine() engine!: Engine<Bank>;
  /** Calls of the handler, failed ones included. */
  calls = 0;
  /** While positive, a deposit with the instruction "fail" throws and counts it down. */
  failures = 0;

  @EventHandler(Deposit)
  onDeposit(deposit: Deposit, bank: Bank): void | Promise<void> {
    this.calls++;
    const account = bank.accounts.getOrCreate(deposit.account);
    account.balance += deposit.amount;
    bank.deposits++;
    this.tell(deposit.account, account.balance);
    if (deposit.instruction === 'fail' && this.failures-- > 0) throw new Error('the teller was asked to fail');
    if (deposit.instruction === 'fail later' && this.failures-- > 0)
      return Promise.reject(new Error('the teller failed later'));
  }

  protected tell(account: string, balance: number): void {
    this.sender.send('events', told(account, { balance }));
  }
}

/** For tests that bring their own handlers; the name is that of the engine in a teller's world. */
export function bank() {
  return defineApp<Bank, BankChannels>({ name: 'teller', state: Bank, factories: [BankFactory] });
}

/** Notes what it hears, in memory only. */
@App({ factories: [BankFactory] })
export class Listener {
  readonly seen: string[] = [];

  @EventHandler(Deposited, { source: 'events' })
  onDeposited(event: Deposited): void {
    this.seen.push(`${event.account}=${event.balance}`);
  }
}

/** Keeps what it hears, durably. */
@App({ state: Bank, factories: [BankFactory] })
export class Auditor {
  @EventHandler(Deposited, { source: 'events' })
  onDeposited(event: Deposited, bank: Bank): void {
    bank.lines.push().text = `${event.account}=${event.balance}`;
    bank.deposits++;
  }
}

/** Only sends. */
@App({ factories: [BankFactory] })
export class Customer {
  @InjectSender() sender!: Sender<BankChannels>;
}

export function deposit(account: string, amount: number, instruction = ''): Deposit {
  const message = Deposit.create();
  message.account = account;
  message.amount = amount;
  message.instruction = instruction;
  return message;
}

export function told(account: string, { balance = 0, region = '' } = {}): Deposited {
  const event = Deposited.create();
  event.account = account;
  event.balance = balance;
  event.region = region;
  return event;
}

/** One bus of an engine, with the named channels joined. */
export function using(description: BusDescription, provider: LoopbackProvider, ...joined: string[]) {
  return [{ description, provider, channels: joined.map((name) => ({ name, join: true })) }];
}
