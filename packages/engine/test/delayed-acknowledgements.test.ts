import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AckToken } from '@aep/engine';
import { bank, deposit, told } from './bank-apps.js';
import { Deposit } from './gen/bank.js';
import { type TellerOptions, TellerWorld } from './teller-world.js';

/** Takes a token, or several, for each deposit; `tokens` is in their order. */
async function delaying(count = 1, options: TellerOptions = {}) {
  const tokens: AckToken[] = [];
  const app = bank().on(Deposit, (message, { state, engine, send }) => {
    state.deposits++;
    send('events', told(message.account));
    if (message.instruction === 'delay')
      for (let n = 0; n < count; n++) tokens.push(engine.delayAcknowledgment({ timeoutMs: 500 }));
  });
  return { tokens, teller: await new TellerWorld(app).start(options) };
}

test('a delayed acknowledgement holds its own and all later ones, not the sends (E64)', async () => {
  const { tokens, teller } = await delaying();
  teller.bus.deliver(deposit('a', 1));
  teller.bus.deliver(deposit('b', 1, 'delay'));
  teller.bus.deliver(deposit('c', 1));
  await teller.world.advance(50);
  assert.deepEqual([teller.bus.sent.length, teller.bus.acknowledged], [3, [1]]);
  tokens[0]!.acknowledge();
  await teller.idle();
  assert.deepEqual(teller.bus.acknowledged, [1, 2, 3]);
  assert.throws(() => tokens[0]!.acknowledge(), { code: 'AEP_ACK_TWICE' });
  await teller.world.run(teller.engine.stop());
});

test('two tokens of one transaction must both be acknowledged (E64)', async () => {
  const { tokens, teller } = await delaying(2);
  teller.bus.deliver(deposit('a', 1, 'delay'));
  await teller.world.settle();
  tokens[1]!.acknowledge();
  await teller.world.advance(20);
  assert.deepEqual(teller.bus.acknowledged, []);
  tokens[0]!.acknowledge();
  await teller.idle();
  assert.deepEqual(teller.bus.acknowledged, [1]);
  await teller.world.run(teller.engine.stop());
});

test('a token that is too old is an alert naming its handler, one in time is none (E64)', async () => {
  const { tokens, teller } = await delaying();
  const alerts: string[] = [];
  teller.engine.alerts$.subscribe((alert) => alerts.push(alert.message));
  teller.bus.deliver(deposit('a', 1, 'delay'));
  await teller.world.advance(100);
  tokens[0]!.acknowledge();
  await teller.world.advance(1_000);
  assert.deepEqual(alerts, []);
  teller.bus.deliver(deposit('b', 1, 'delay'));
  await teller.world.advance(600);
  assert.match(alerts.join(), /acknowledgement delayed by teller\.on\(bank\.Deposit\)/);
  tokens[1]!.acknowledge();
  await teller.idle();
  await teller.world.run(teller.engine.stop());
});
