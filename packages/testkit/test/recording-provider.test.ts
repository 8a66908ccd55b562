import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BusDescription, Subscriber } from '@aep/bus';
import { busContract, type BusHarness, contractChannels, roster, TestApp, virtualTime } from '@aep/bus/contract';
import { SeededRandom, VirtualClock } from '@aep/kernel';
import { RecordingProvider } from '@aep/testkit';
import { says } from './expect-error.js';

function makeHarness(): BusHarness & { readonly provider: RecordingProvider } {
  const provider = new RecordingProvider();
  return {
    ...virtualTime(new VirtualClock()),
    provider,
    random: new SeededRandom(1),
    providerFor: () => provider,
    describeBus: (entries: readonly Subscriber[]): BusDescription => ({
      name: 'bus',
      provider: 'loopback',
      address: 'local',
      port: 0,
      properties: {},
      channels: contractChannels,
      roster: entries,
    }),
    dispose: () => Promise.resolve(),
  };
}

// With every switch released it is the bus inside it.
busContract('recording', new RecordingProvider().supports, makeHarness);

test('what crosses the bus is copied: sent, delivered, acknowledged', async () => {
  const harness = makeHarness();
  const entries = roster(['b', 'orders']);
  const a = await new TestApp(harness, { app: 'a', roster: entries }).open();
  await new TestApp(harness, { app: 'b', roster: entries }).openAndJoin('orders');
  a.sendAll('orders', 'N/US', ['hello']);
  await harness.until(() => a.confirmed.length === 1, 'it is confirmed');
  const { provider } = harness;
  assert.deepEqual(
    [provider.sent, provider.delivered].map(([message]) => [
      message?.app,
      message?.channel,
      message?.key,
      message?.metadata.sno,
    ]),
    [
      ['a', 'orders', 'N/US', 1],
      ['b', 'orders', 'N/US', 1],
    ],
  );
  assert.equal(new TextDecoder().decode(provider.sent[0]?.bytes), 'hello');
  assert.equal(provider.acknowledged.get('b'), 1);
});

test('confirmations are let through one by one', async () => {
  const harness = makeHarness();
  const a = await new TestApp(harness, { app: 'a', roster: [] }).open();
  harness.provider.holdConfirmations();
  a.sendAll('orders', 'k', ['m1', 'm2', 'm3']);
  await harness.pass(1);
  assert.equal(harness.provider.unconfirmed, 3);
  assert.equal(harness.provider.confirm(1), 1);
  await harness.pass(1);
  assert.equal(a.confirmed.length, 1);
  harness.provider.releaseConfirmations();
  await harness.pass(1);
  assert.equal(a.confirmed.length, 3);
});

test('a bus that is down does not open, and tells those who are connected', async () => {
  const harness = makeHarness();
  const a = await new TestApp(harness, { app: 'a', roster: [] }).open();
  harness.provider.goDown();
  harness.provider.goDown();
  await harness.pass(1);
  await assert.rejects(
    new TestApp(harness, { app: 'b', roster: [] }).open(),
    says('AEP_TEST_BUS_DOWN', 'bus "bus"', 'goUp()'),
  );
  harness.provider.goUp();
  harness.provider.goUp();
  await harness.pass(1);
  assert.deepEqual(a.events, ['binding down AEP_TEST_BUS_DOWN', 'binding up']);
});

test('a refused send is told when there is room', async () => {
  const harness = makeHarness();
  const a = await new TestApp(harness, { app: 'a', roster: [] }).open();
  harness.provider.refuseSends();
  assert.equal(a.send('orders', 'k', 'm1'), 'back-pressured');
  harness.provider.acceptSends();
  await harness.pass(1);
  assert.equal(a.count('writable'), 1);
  assert.equal(a.send('orders', 'k', 'm1'), 'accepted');
});
