import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GapEvent, StaleSenderAlert } from '@aep/engine';
import { deposit } from './bank-apps.js';
import { rejection, startedTeller, TellerWorld, WatchedTeller } from './teller-world.js';

test('what was seen of an incarnation is a duplicate: acknowledged in order, not handled (E51)', async () => {
  const teller = await startedTeller();
  for (const sno of [1, 2, 2, 1, 3]) teller.bus.deliver(deposit('a', 1), { sno });
  await teller.idle();
  assert.deepEqual([teller.balance('a'), teller.bus.acknowledged], [3, [1, 2, 2, 1, 3]]);
  assert.equal(teller.engine.statistics().counters['duplicates'], 2);
  await teller.world.run(teller.engine.stop());
});

test('a duplicate is acknowledged only when its original is stable (E31, H6)', async () => {
  const teller = await startedTeller();
  teller.store.faults.commitMs = () => 50;
  for (let n = 0; n < 2; n++) teller.bus.deliver(deposit('a', 1), { sno: 1 });
  await teller.world.advance(40);
  assert.deepEqual(teller.bus.acknowledged, []);
  await teller.idle();
  assert.deepEqual(teller.bus.acknowledged, [1, 1]);
  await teller.world.run(teller.engine.stop());
});

test('a sender that speaks for a replaced incarnation is an alert, once (E51)', async () => {
  const teller = await startedTeller();
  teller.bus.deliver(deposit('a', 1), { incarnation: 5, sno: 1 });
  for (const sno of [1, 2, 3]) teller.bus.deliver(deposit('a', 1), { incarnation: 4, sno });
  await teller.idle();
  const stale = teller.app.alerts.filter((alert) => alert instanceof StaleSenderAlert);
  assert.deepEqual(
    stale.map(({ facts }) => facts),
    [{ bus: 'bank-bus', channel: 'deposits', senderId: 77, incarnation: 4 }],
  );
  assert.equal(teller.balance('a'), 1);
  await teller.world.run(teller.engine.stop());
});

test('a new incarnation starts the stream anew, an older one is a duplicate (E51)', async () => {
  const teller = await startedTeller();
  for (const [incarnation, sno] of [
    [5, 7],
    [6, 1],
    [5, 8],
    [6, 2],
  ] as const)
    teller.bus.deliver(deposit(`${incarnation}`, 1), { incarnation, sno });
  await teller.idle();
  assert.deepEqual([teller.balance('5'), teller.balance('6')], [1, 2]);
  await teller.world.run(teller.engine.stop());
});

test('unsequenced messages are never checked (E51)', async () => {
  const teller = await startedTeller();
  for (const sno of [0, 0, -3]) teller.bus.deliver(deposit('a', 1), { sno, channelSno: 0 });
  await teller.idle();
  assert.deepEqual([teller.balance('a'), teller.bus.acknowledged.length], [3, 3]);
  await teller.world.run(teller.engine.stop());
});

test('streams are kept apart by sender and by flow (E51)', async () => {
  const teller = await startedTeller();
  for (const senderId of [1, 2])
    for (const flow of [0, 1, 2])
      for (let n = 0; n < 2; n++) teller.bus.deliver(deposit('a', 1), { senderId, flow, sno: 1 });
  await teller.idle();
  assert.equal(teller.balance('a'), 6);
  await teller.world.run(teller.engine.stop());
});

test('marks survive a crash, together with what they stand for (E52, E53)', async () => {
  const teller = await startedTeller();
  for (let sno = 1; sno <= 3; sno++) teller.bus.deliver(deposit('a', 1), { sno });
  await teller.idle();
  await teller.restart(new WatchedTeller());
  for (let sno = 1; sno <= 4; sno++) teller.bus.deliver(deposit('a', 1), { sno });
  await teller.idle();
  assert.deepEqual([teller.balance('a'), teller.app.calls, teller.bus.acknowledged], [4, 1, [1, 2, 3, 4]]);
  await teller.world.run(teller.engine.stop());
});

test('marks in memory are bounded also under load, and come back from the store (E53)', async () => {
  const teller = await startedTeller({ limits: { dedupeStreamsCachedMax: 10 } });
  const marksInMemory = (): number => {
    const { core } = (teller.engine as unknown as { lifecycle: { core: CoreForTests } }).lifecycle;
    return core.messaging.ports[0]!.marks.marks.size;
  };
  for (let senderId = 1; senderId <= 200; senderId++) teller.bus.deliver(deposit('a', 1), { senderId, sno: 1 });
  await teller.idle();
  await teller.world.advance(2_000);
  // Never idle from here on: something is journaled and not applied at every moment.
  let most = 0;
  for (let round = 0; round < 100; round++) {
    for (let n = 1; n <= 5; n++) teller.bus.deliver(deposit('b', 1), { senderId: 1_000 + round * 5 + n, sno: 1 });
    await teller.world.advance(400);
    if (round > 20) most = Math.max(most, marksInMemory());
  }
  assert.ok(most <= 40, `${most} marks in memory`);
  for (let senderId = 1; senderId <= 200; senderId++) teller.bus.deliver(deposit('a', 1), { senderId, sno: 1 });
  await teller.idle();
  assert.equal(teller.balance('a'), 200);
  await teller.world.run(teller.engine.stop());
});

test('a mark stays in memory until the tables have it, however many there are (E53)', async () => {
  const teller = await startedTeller({ limits: { dedupeStreamsCachedMax: 2 } });
  for (let round = 0; round < 2; round++)
    for (let senderId = 1; senderId <= 20; senderId++) teller.bus.deliver(deposit('a', 1), { senderId, sno: 1 });
  await teller.idle();
  assert.equal(teller.store.tables.appliedTxId, 0);
  assert.equal(teller.balance('a'), 20);
  await teller.world.run(teller.engine.stop());
});

interface CoreForTests {
  readonly messaging: { readonly ports: readonly { readonly marks: { readonly marks: Map<unknown, unknown> } }[] };
}

for (const [filter, gaps] of [
  [undefined, [{ expected: 2, got: 5 }]],
  ['region=x', []],
] as const) {
  test(`a gap in the numbers of a channel is ${gaps.length > 0 ? 'an alert' : 'natural on a filtered channel'} (E52)`, async () => {
    const teller = new TellerWorld(new WatchedTeller());
    const channel = { name: 'deposits', join: true, key: 'D/${region}', ...(filter === undefined ? {} : { filter }) };
    await teller.start({ buses: [{ description: teller.bus.description, provider: teller.bus, channels: [channel] }] });
    for (const [sno, channelSno] of [
      [1, 1],
      [9, 5],
      [10, 6],
    ] as const)
      teller.bus.deliver(deposit('a', 1), { sno, channelSno });
    await teller.idle();
    const seen = teller.app.alerts.filter((alert) => alert instanceof GapEvent);
    assert.deepEqual(
      seen.map(({ facts }) => ({ expected: facts['expected'], got: facts['got'] })),
      gaps,
    );
    assert.equal(teller.balance('a'), 3);
    await teller.world.run(teller.engine.stop());
  });
}

test('two flows of one sender on one channel make no gaps for each other (E52)', async () => {
  const teller = await startedTeller();
  for (let n = 1; n <= 3; n++)
    for (const flow of [0, 1]) teller.bus.deliver(deposit('a', 1), { flow, sno: n, channelSno: n });
  await teller.idle();
  assert.deepEqual(teller.app.kinds(), []);
  await teller.world.run(teller.engine.stop());
});

test('messages in doubt go out again after a crash, in order, with their numbers and a mark (E37)', async () => {
  const teller = await startedTeller();
  teller.bus.confirms = false;
  for (let n = 1; n <= 5; n++) teller.bus.deliver(deposit(`a${n}`, n));
  await teller.world.settle();
  const first = teller.bus.sent.map(({ sno, channelSno, json }) => ({ sno, channelSno, json }));
  assert.equal(first.length, 5);
  await teller.restart(new WatchedTeller());
  await teller.world.settle();
  assert.deepEqual(
    teller.bus.sent.map(({ sno, channelSno, json }) => ({ sno, channelSno, json })),
    first,
  );
  assert.ok(teller.bus.sent.every((sent) => sent.possibleDuplicate));
  teller.bus.deliver(deposit('new', 1), { sno: 6 });
  await teller.idle();
  assert.deepEqual([teller.bus.sent.at(-1)!.sno, teller.bus.sent.at(-1)!.possibleDuplicate], [6, false]);
  assert.equal(teller.engine.statistics().inDoubt, 0);
  await teller.restart(new WatchedTeller());
  await teller.idle();
  // The confirmations of the first five became durable with the commit of the sixth.
  assert.deepEqual(
    teller.bus.sent.map((sent) => sent.sno),
    [6],
  );
  await teller.world.run(teller.engine.stop());
});

test('what was confirmed before an orderly stop is not sent again (E37)', async () => {
  const teller = await startedTeller();
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  await teller.world.run(teller.engine.stop());
  await teller.restart(new WatchedTeller());
  await teller.idle();
  assert.deepEqual(teller.bus.sent, []);
  await teller.world.run(teller.engine.stop());
});

test('more messages in doubt than a lowered limit allows still go out (E37, E43)', async () => {
  const teller = await startedTeller();
  teller.bus.confirms = false;
  for (let n = 0; n < 50; n++) teller.bus.deliver(deposit('a', 1));
  await teller.world.settle();
  await teller.restart(new WatchedTeller(), { limits: { transactionsInFlightMax: 4, outboundPendingMax: 4 } });
  await teller.idle();
  assert.equal(teller.bus.sent.length, 50);
  teller.bus.deliver(deposit('a', 1), { sno: 51 });
  await teller.idle();
  assert.equal(teller.balance('a'), 51);
  await teller.world.run(teller.engine.stop());
});

test('a message in doubt whose channel is gone stops the start and says what to do (E37)', async () => {
  const teller = await startedTeller();
  teller.bus.confirms = false;
  teller.bus.deliver(deposit('a', 1));
  await teller.world.settle();
  teller.world.crash('lost');
  const error = await rejection(teller.world.run(teller.make({ app: new WatchedTeller(), buses: [] }).start()));
  assert.equal(error.code, 'AEP_IN_DOUBT_CHANNEL_GONE');
  assert.match(error.message, /events@bank-bus .*start once with the channel/);
});
