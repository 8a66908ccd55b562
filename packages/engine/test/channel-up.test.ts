import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChannelUp, defineApp } from '@aep/engine';
import { deposit } from './bank-apps.js';
import { Bank, BankFactory, Deposit, Deposited } from './gen/bank.js';
import { TellerWorld } from './teller-world.js';

function tellerWithKeyTable() {
  return defineApp<Bank, { events: Deposited }>({ name: 'teller', state: Bank, factories: [BankFactory] })
    .onEvent(ChannelUp, (event) => {
      if (event.channel === 'events') event.setKeyTable({ region: 'EMEA' });
    })
    .on(Deposit, (message, { send }) => {
      const event = Deposited.create();
      event.account = message.account;
      send('events', event);
    });
}

test('a channel that is only sent on comes up too, and its handler gives values for the key (E1, E81)', async () => {
  const teller = new TellerWorld(tellerWithKeyTable());
  const channels = [
    { name: 'deposits', join: true },
    { name: 'events', key: 'Deposited/${region}', keyOptions: { treatEmptyKeyFieldAsNull: true } },
  ];
  const { description } = teller.bus;
  await teller.start({ buses: [{ description, provider: teller.bus, channels }] });
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  assert.deepEqual(
    teller.bus.sent.map(({ key }) => key),
    ['Deposited/EMEA'],
  );
  await teller.world.run(teller.engine.stop());
});

test('an engine event handed to on() is refused with the call to use instead (E10)', () => {
  const app = defineApp({ name: 'teller', factories: [BankFactory] });
  assert.throws(() => app.on(ChannelUp as never, () => undefined), { code: 'AEP_HANDLER_TYPE', message: /onEvent/ });
});

test('a main that waits for room does not hold a stop (E4)', async () => {
  let outcome: unknown = 'waiting';
  const app = defineApp({ name: 'teller', state: Bank, factories: [BankFactory] })
    .on(Deposit, () => undefined)
    .main(async ({ engine }, signal) => {
      while (!signal.aborted) {
        const message = deposit('a', 1);
        if (engine.offer(message) === 'accepted') continue;
        message.dispose();
        outcome = await engine.whenWritable().then(
          () => 'waiting',
          (error: { code: string }) => error.code,
        );
      }
    });
  const teller = new TellerWorld(app);
  teller.store.faults.freeBytes = 0;
  await teller.start({ limits: { inboundQueueMax: 8 } });
  await teller.world.settle();
  const stop = teller.engine.stop();
  await teller.world.settle();
  assert.equal(outcome, 'AEP_ENGINE_STOPPED');
  teller.store.faults.freeBytes = Infinity;
  assert.equal((await teller.world.run(stop)).drained, true);
});
