import { LoopbackProvider } from '@aep/bus';
import { App, createEngine, type Engine, EventHandler, InjectSender, type Sender } from '@aep/engine';
import type { Clock } from '@aep/kernel';
import { MemoryStore } from '@aep/store';
import { Bank, BankFactory, Deposit, Deposited } from './gen/bank.js';
import { bankBus } from './world.js';

interface BankChannels {
  deposits: Deposit;
  events: Deposited;
}

@App({ state: Bank, factories: [BankFactory] })
export class SmallTeller {
  @InjectSender() sender!: Sender<BankChannels>;

  @EventHandler(Deposit)
  onDeposit(deposit: Deposit, bank: Bank): void {
    const account = bank.accounts.getOrCreate(deposit.account);
    account.balance += deposit.amount;
    const event = Deposited.create();
    event.account = deposit.account;
    event.balance = account.balance;
    this.sender.send('events', event); // leaves when the transaction is stable
  }
}

export async function runTeller(clock: Clock): Promise<number> {
  const engine: Engine<Bank> = createEngine<Bank>({
    name: 'teller',
    app: new SmallTeller(),
    clock, // a SystemClock outside of tests; then it need not be given
    store: () => new MemoryStore({ clock }), // openLmdbStore({ path: … }) of @aep/store-lmdb on disk
    buses: [{ description: bankBus(), provider: new LoopbackProvider(), channels: [{ name: 'deposits', join: true }] }],
  });
  await engine.start();
  const deposit = Deposit.create();
  deposit.account = 'alice';
  deposit.amount = 5;
  await engine.inject(deposit); // resolves when its effects are durable
  const balance = engine.read((bank) => bank.accounts.get('alice')!.balance);
  await engine.stop(); // drains, flushes, acknowledges, closes
  return balance;
}
