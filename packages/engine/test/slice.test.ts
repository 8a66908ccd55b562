import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App, type Engine, EventHandler, InjectSender, type Sender } from '@aep/engine';
import { Bank, BankFactory, Deposit, Deposited } from './gen/bank.js';
import { bankBus, World } from './world.js';

interface BankChannels {
  deposits: Deposit;
  events: Deposited;
}

@App({ state: Bank, factories: [BankFactory] })
class Teller {
  @InjectSender() sender!: Sender<BankChannels>;

  @EventHandler(Deposit)
  onDeposit(deposit: Deposit, bank: Bank): void {
    const account = bank.accounts.getOrCreate(deposit.account);
    account.balance += deposit.amount;
    bank.deposits++;
    const event = Deposited.create();
    event.account = deposit.account;
    event.balance = account.balance;
    this.sender.send('events', event);
  }
}

@App({ factories: [BankFactory] })
class Listener {
  readonly seen: string[] = [];

  @EventHandler(Deposited, { source: 'events' })
  onDeposited(event: Deposited): void {
    this.seen.push(`${event.account}=${event.balance}`);
  }
}

@App({ factories: [BankFactory] })
class Customer {
  @InjectSender() sender!: Sender<BankChannels>;
}

test('a message goes from sender through state to a listener, and all is confirmed back', async () => {
  const world = new World();
  const description = bankBus();
  const use = (channels: { name: string; join?: boolean }[]) => ({
    buses: [{ description, provider: world.provider, channels }],
  });
  const listenerApp = new Listener();
  const customerApp = new Customer();
  const teller: Engine<Bank> = world.engine('teller', {
    app: new Teller(),
    ...use([{ name: 'deposits', join: true }]),
  });
  const listener = world.engine('listener', { app: listenerApp, ...use([]) });
  const customer = world.engine('customer', { app: customerApp, ...use([]) });
  for (const engine of [listener, teller, customer]) await world.run(engine.start());
  for (let amount = 1; amount <= 3; amount++) {
    const deposit = Deposit.create();
    deposit.account = 'alice';
    deposit.amount = amount;
    await world.run(customerApp.sender.sendMessage('deposits', deposit));
  }
  await world.run(customer.whenIdle());
  assert.deepEqual(listenerApp.seen, ['alice=1', 'alice=3', 'alice=6']);
  assert.equal(
    teller.read((bank) => bank.deposits),
    3,
  );
  for (const engine of [customer, teller, listener]) assert.equal((await world.run(engine.stop())).drained, true);
});
