import { describeBus, LoopbackProvider } from '@aep/bus';
import { App, createEngine, type Engine, EventHandler, InjectSender, type Sender } from '@aep/engine';
import { openLmdbStore } from '@aep/store-lmdb';
import { Bank, BankFactory, Booked, Deposit } from './gen/bank.js';

interface Channels {
  bookings: Booked;
}

@App({ state: Bank, factories: [BankFactory] })
class Teller {
  @InjectSender() readonly sender!: Sender<Channels>;

  @EventHandler(Deposit)
  onDeposit(deposit: Deposit, bank: Bank): void {
    const account = bank.accounts.getOrCreate(deposit.account);
    account.balance += deposit.pence;
    const booked = Booked.create();
    booked.account = deposit.account;
    booked.balance = account.balance;
    this.sender.send('bookings', booked); // leaves when the transaction is on the disk, not before
  }
}

const loopback = { description: describeBus('bank', ['bookings']), provider: new LoopbackProvider() };
const engine: Engine<Bank> = createEngine({
  name: 'teller',
  app: new Teller(),
  store: () => openLmdbStore({ path: process.argv[2] ?? '.aep/quickstart', engineName: 'teller' }),
  buses: [{ ...loopback, channels: [{ name: 'bookings', key: 'Booked/${account}' }] }],
});
await engine.start();
await engine.inject(Deposit.fromJSON({ account: 'alice', pence: 250 })); // resolves when it is durable
console.log(`alice has ${engine.read((bank) => bank.accounts.get('alice')?.balance)} pence`);
await engine.stop();
