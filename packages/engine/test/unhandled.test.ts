import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnhandledMessageEvent } from '@aep/engine';
import { deposit } from './bank-apps.js';
import { Deposited } from './gen/bank.js';
import type { ScriptedBus } from './scripted-bus.js';
import { startedTeller } from './teller-world.js';

/** A length that reaches past the end. */
const MALFORMED = Uint8Array.from([0x0a, 0x7f, 0x61]);

const KINDS: readonly [reason: string, deliver: (bus: ScriptedBus) => void, detail: RegExp][] = [
  ['malformed', (bus) => bus.deliver(undefined, { bytes: MALFORMED, key: 'K' }), /bank\.Deposit/],
  ['unknown-type', (bus) => bus.deliver(deposit('a', 1), { typeId: 99 }), /type 99 of factory 21/],
  ['unknown-type', (bus) => bus.deliver(deposit('a', 1), { factoryId: 5 }), /type 1 of factory 5/],
  ['unknown-channel', (bus) => bus.deliver(deposit('a', 1), { channel: 'nowhere' }), /nowhere@bank-bus does not exist/],
  ['unknown-channel', (bus) => bus.deliver(deposit('a', 1), { channel: 'news' }), /news@bank-bus is not joined/],
  ['no-handler', (bus) => bus.deliver(Deposited.create()), /no handler takes bank\.Deposited/],
];

for (const [reason, deliver, detail] of KINDS) {
  for (const policy of ['DeadLetter', 'Ignore', 'Stop'] as const) {
    test(`a message that is ${reason} (${detail.source}) under ${policy} (E16)`, async () => {
      const teller = await startedTeller({ policies: { unhandledMessage: policy } });
      teller.bus.deliver(deposit('before', 1));
      deliver(teller.bus);
      teller.bus.deliver(deposit('after', 1));
      await teller.world.advance(5_000);
      const alert = teller.app.alerts.find((one) => one instanceof UnhandledMessageEvent);
      assert.equal(alert?.reason, reason);
      assert.match(alert.detail, detail);
      const { bus, channel, senderId, sno, factoryId, typeId } = alert.facts;
      assert.deepEqual([bus, typeof channel, senderId, sno], ['bank-bus', 'string', 77, 2]);
      assert.deepEqual([typeof factoryId, typeof typeId], ['number', 'number']);
      if (policy === 'Stop') {
        const { cause } = await teller.world.run(teller.engine.stopped);
        assert.equal(cause?.code, 'AEP_MESSAGE_UNHANDLED');
        // The one that stopped it comes again to whoever runs next; what was accepted before is acknowledged.
        assert.deepEqual(teller.bus.acknowledged, [1]);
        return;
      }
      assert.deepEqual(teller.bus.acknowledged, [1, 2, 3]);
      const letters = teller.engine.deadLetters.list();
      assert.deepEqual(
        letters.map((letter) => [letter.reason, letter.sno, letter.senderId]),
        policy === 'DeadLetter' ? [[`unhandled: ${reason}`, 2, 77]] : [],
      );
      assert.deepEqual([teller.balance('before'), teller.balance('after'), teller.app.calls], [1, 1, 2]);
      await teller.world.run(teller.engine.stop());
    });
  }
}

test('a duplicate of an unhandled message is only acknowledged, also on an unknown channel and after a restart (E16, E51)', async () => {
  const teller = await startedTeller();
  const stamp = { channel: 'nowhere', sno: 1 };
  for (let n = 0; n < 2; n++) teller.bus.deliver(deposit('a', 1), stamp);
  await teller.idle();
  assert.equal(teller.engine.deadLetters.list().length, 1);
  const { WatchedTeller } = await import('./teller-world.js');
  await teller.restart(new WatchedTeller());
  teller.bus.deliver(deposit('a', 1), stamp);
  await teller.idle();
  assert.deepEqual([teller.engine.deadLetters.list().length, teller.bus.acknowledged], [1, [1]]);
  await teller.world.run(teller.engine.stop());
});

test('malformed bytes are kept as they are, shown as undecodable, and can be replaced by an edited message (E16, E23)', async () => {
  const teller = await startedTeller();
  teller.bus.deliver(undefined, { bytes: MALFORMED });
  await teller.idle();
  const [letter] = teller.engine.deadLetters.list();
  assert.deepEqual([...letter!.bytes], [...MALFORMED]);
  assert.equal(teller.engine.deadLetters.decoded(letter!), undefined);
  await teller.world.run(teller.engine.deadLetters.replay(letter!.id, { account: 'mended', amount: 4 }));
  assert.deepEqual([teller.balance('mended'), teller.engine.deadLetters.list()], [4, []]);
  await teller.world.run(teller.engine.stop());
});
