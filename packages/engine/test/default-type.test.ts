import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AepError } from '@aep/kernel';
import { deposit } from './bank-apps.js';
import { WatchedTeller, TellerWorld } from './teller-world.js';

/** A teller whose channel `deposits` gives this type to messages that have none. */
async function tellerWith(defaultType: string): Promise<TellerWorld> {
  const teller = new TellerWorld(new WatchedTeller());
  const { description } = teller.bus;
  const channels = [{ name: 'deposits', join: true, defaultType }];
  return await teller.start({ buses: [{ description, provider: teller.bus, channels }] });
}

const FOREIGN = { factoryId: 0, typeId: 0, senderId: 0, incarnation: 0, sno: 0, channelSno: 0 };

test('a message without a type has the default type of its channel, and one without a number is no duplicate (E51)', async () => {
  const teller = await tellerWith('bank.Deposit');
  for (let count = 0; count < 2; count++) teller.bus.deliver(deposit('a', 5), FOREIGN);
  await teller.idle();
  assert.deepEqual([teller.balance('a'), teller.bus.acknowledged], [10, [0, 0]]);
  await teller.world.run(teller.engine.stop());
});

test('the default type does not hide a type that a message has, known or not (E16)', async () => {
  const teller = await tellerWith('bank.Deposit');
  teller.bus.deliver(deposit('a', 5), { typeId: 99 });
  await teller.idle();
  assert.deepEqual(
    teller.engine.deadLetters.list().map(({ reason }) => reason),
    ['unhandled: unknown-type'],
  );
  await teller.world.run(teller.engine.stop());
});

test('a default type that no factory has is refused with the nearest name', async () => {
  await assert.rejects(tellerWith('bank.Deposits'), (error: unknown) => {
    assert.ok(error instanceof AepError);
    assert.equal(error.code, 'AEP_DEFAULT_TYPE_UNKNOWN');
    assert.match(error.message, /deposits@bank-bus: .*"bank\.Deposits": did you mean "bank\.Deposit"/);
    return true;
  });
});
