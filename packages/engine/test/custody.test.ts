import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineApp, type Engine } from '@aep/engine';
import { deposit, using } from './bank-apps.js';
import { Bank, BankFactory, Deposit, Deposited } from './gen/bank.js';
import { bankBus, World } from './world.js';

/** Answers every deposit with an event; the other one answers every event with a deposit, until the balance is there. */
function teller() {
  return defineApp({ name: 'teller', state: Bank, factories: [BankFactory] }).on(
    Deposit,
    (message, { state, send }) => {
      const account = state.accounts.getOrCreate(message.account);
      account.balance += message.amount;
      const event = Deposited.create();
      event.account = message.account;
      event.balance = account.balance;
      send('events', event);
    },
  );
}

function saver(goal: number) {
  return defineApp({ name: 'saver', factories: [BankFactory] })
    .on(Deposited, (event, { send }) => {
      if (event.balance < goal) send('deposits', deposit(event.account, 1));
    })
    .on(Deposit, (message, { send }) => send('deposits', deposit(message.account, message.amount)), {
      localOnly: true,
    });
}

test('two applications that answer each other on a bus without a broker do not wait for each other (E32)', async () => {
  const world = new World();
  const description = bankBus([
    { app: 'teller', channel: 'deposits', patterns: ['**'] },
    { app: 'saver', channel: 'events', patterns: ['**'] },
  ]);
  const tellerEngine: Engine<Bank> = world.engine('teller', {
    app: teller(),
    buses: using(description, world.provider, 'deposits'),
  });
  const saverEngine = world.engine('saver', { app: saver(20), buses: using(description, world.provider, 'events') });
  for (const engine of [tellerEngine, saverEngine]) await world.run(engine.start());
  await world.run(saverEngine.inject(deposit('alice', 1)));
  await world.run(Promise.all([tellerEngine.whenIdle(), saverEngine.whenIdle()]));
  assert.equal(
    tellerEngine.read((bank) => bank.accounts.get('alice')?.balance),
    20,
  );
  for (const engine of [saverEngine, tellerEngine]) assert.equal((await world.run(engine.stop())).drained, true);
});
