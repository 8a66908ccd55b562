import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bank, type BankChannels, deposit, told } from './bank-apps.js';
import { Deposit } from './gen/bank.js';
import { ScriptedBus } from './scripted-bus.js';
import { rejection, startedTeller, TellerWorld, WatchedTeller } from './teller-world.js';

test('while an async handler waits, only its own sends are part of its transaction (E40)', async () => {
  let release: () => void = () => undefined;
  const app = bank().on(Deposit, async (message, { sender }) => {
    sender.send('events', told('before'));
    await new Promise<void>((resolve) => (release = resolve));
    sender.send('events', told('after'));
    if (message.instruction === 'fail') throw new Error('asked to fail');
  });
  const teller = await new TellerWorld(app).start({ policies: { appException: 'LogAndContinue' } });
  teller.bus.deliver(deposit('a', 1, 'fail'));
  await teller.world.settle();
  const sender = teller.engine.senderFor<BankChannels>();
  const other = sender.sendMessage('events', told('other code'));
  assert.throws(() => sender.send('events', told('no handler')), { code: 'AEP_OUTSIDE_HANDLER' });
  await teller.world.settle();
  release();
  await teller.world.run(other);
  await teller.idle();
  assert.deepEqual(
    teller.bus.sent.map((sent) => sent.json['account']),
    ['other code'],
  );
  await teller.world.run(teller.engine.stop());
});

test('a plain function that answers a promise is told from other code from its first call on (E40)', async () => {
  let release: () => void = () => undefined;
  const app = bank().on(Deposit, (_message, { sender }) =>
    new Promise<void>((resolve) => (release = resolve)).then(() => sender.send('events', told('handler'))),
  );
  const teller = await new TellerWorld(app).start();
  teller.bus.deliver(deposit('a', 1));
  await teller.world.settle();
  assert.throws(() => teller.engine.senderFor<BankChannels>().send('events', told('x')), {
    code: 'AEP_OUTSIDE_HANDLER',
  });
  release();
  await teller.idle();
  assert.deepEqual(
    teller.bus.sent.map((sent) => sent.json['account']),
    ['handler'],
  );
  await teller.world.run(teller.engine.stop());
});

test('what a handler left running is not part of a later transaction (E40)', async () => {
  const codes: unknown[] = [];
  let late: () => void = () => undefined;
  let release: () => void = () => undefined;
  const app = bank().on(Deposit, async (message, { sender }) => {
    if (message.account === 'first') {
      void new Promise<void>((resolve) => (late = resolve)).then(() => {
        try {
          sender.send('events', told('late'));
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
      });
      return;
    }
    await new Promise<void>((resolve) => (release = resolve));
  });
  const teller = await new TellerWorld(app).start();
  teller.bus.deliver(deposit('first', 1));
  teller.bus.deliver(deposit('second', 1));
  await teller.world.settle();
  late();
  await teller.world.settle();
  release();
  await teller.idle();
  assert.deepEqual([codes, teller.bus.sent], [['AEP_OUTSIDE_HANDLER'], []]);
  await teller.world.run(teller.engine.stop());
});

test('an unsolicited send is a transaction of its own, in the same numbers, and resolves at stability (E40, E51)', async () => {
  const teller = await startedTeller();
  const sender = teller.engine.senderFor<BankChannels>();
  teller.store.faults.commitMs = () => 30;
  teller.bus.deliver(deposit('a', 1));
  await teller.world.settle();
  let resolvedAtMs = 0;
  void sender.sendMessage('events', told('b')).then(() => (resolvedAtMs = teller.clock.monotonicMs()));
  const startMs = teller.clock.monotonicMs();
  await teller.world.advance(100);
  await teller.idle();
  assert.ok(resolvedAtMs - startMs >= 30);
  assert.deepEqual(
    teller.bus.sent.map(({ sno, json }) => [sno, json['account']]),
    [
      [1, 'a'],
      [2, 'b'],
    ],
  );
  await teller.world.run(teller.engine.stop());
});

test('an idempotency key makes a repeat harmless, at once, later and after a restart (E40)', async () => {
  const teller = await startedTeller();
  const send = (key: string) =>
    teller.world.run(teller.engine.senderFor<BankChannels>().sendMessage('events', told('x'), { idempotencyKey: key }));
  await Promise.all([send('k'), send('k')]);
  await send('k');
  await teller.world.advance(3_000);
  await send('k');
  assert.equal(teller.bus.sent.length, 1);
  await teller.restart(new WatchedTeller());
  await send('k');
  await send('other');
  await teller.idle();
  // The first may go out again, marked; the repeat adds nothing.
  assert.deepEqual(
    teller.bus.sent.map((sent) => [sent.sno, sent.possibleDuplicate]),
    [
      [1, true],
      [2, false],
    ],
  );
  for (const key of ['', 'x'.repeat(256)]) assert.equal((await rejection(send(key))).code, 'AEP_IDEMPOTENCY_KEY');
  await teller.world.run(teller.engine.stop());
});

test('idempotency keys expire, and a sweep removes them in small steps (E40)', async () => {
  const teller = await startedTeller({ limits: { idempotencyRetentionMs: 600_000 } });
  const sender = teller.engine.senderFor<BankChannels>();
  for (let n = 0; n < 600; n++)
    assert.equal(sender.offer('events', told('x'), { idempotencyKey: `key ${n}` }), 'accepted');
  await teller.idle();
  const keys = () => [...teller.store.tables.range(0xff05)].length;
  await teller.world.advance(5_000);
  assert.equal(keys(), 600);
  await teller.world.advance(590_000);
  assert.equal(keys(), 600);
  await teller.world.run(sender.sendMessage('events', told('again'), { idempotencyKey: 'young' }));
  await teller.world.advance(130_000);
  assert.equal(keys(), 1);
  await teller.world.run(sender.sendMessage('events', told('again'), { idempotencyKey: 'key 0' }));
  assert.equal(teller.bus.sent.length, 602);
  await teller.world.run(teller.engine.stop());
});

test('an expired key that the sweep has not reached counts as unknown (E40)', async () => {
  const teller = await startedTeller({ limits: { idempotencyRetentionMs: 1_000 } });
  const sender = teller.engine.senderFor<BankChannels>();
  await teller.world.run(sender.sendMessage('events', told('x'), { idempotencyKey: 'k' }));
  await teller.world.advance(1_500);
  await teller.world.run(sender.sendMessage('events', told('x'), { idempotencyKey: 'k' }));
  assert.equal(teller.bus.sent.length, 2);
  await teller.world.run(teller.engine.stop());
});

test('a channel that does not exist is refused at the call, with the nearest name (E42)', async () => {
  const teller = await startedTeller();
  const sender = teller.engine.senderFor();
  for (const [name, hint] of [
    ['event', /did you mean "events"/],
    ['event@bank-bus', /bus "bank-bus" has no channel "event".*did you mean "events"/],
    ['events@other', /no bus of the application has a channel "events@other"/],
  ] as const) {
    const error = await rejection(Promise.resolve().then(() => sender.sendMessage(name, told('a'))));
    assert.equal(error.code, 'AEP_CHANNEL_UNKNOWN');
    assert.match(error.message, hint);
  }
  await teller.world.run(teller.engine.stop());
});

test('a name on two buses is ambiguous, and with its bus it is not (E41)', async () => {
  const teller = new TellerWorld(new WatchedTeller());
  const other = new ScriptedBus(teller.clock, 'other-bus');
  await teller.start({
    buses: [teller.bus, other].map((provider) => ({ description: provider.description, provider })),
  });
  const sender = teller.engine.senderFor();
  assert.throws(() => void sender.sendMessage('events', told('a')), {
    code: 'AEP_CHANNEL_AMBIGUOUS',
    message: /events@bank-bus, events@other-bus/,
  });
  await teller.world.run(sender.sendMessage('events@other-bus', told('a')));
  await teller.idle();
  assert.deepEqual([teller.bus.sent.length, other.sent.length], [0, 1]);
  await teller.world.run(teller.engine.stop());
});

test('a message over its limit is refused, its number is used again, and the engine goes on (E43)', async () => {
  const teller = await startedTeller({ limits: { messageBytesMax: 100 } });
  const sender = teller.engine.senderFor<BankChannels>();
  const error = await rejection(teller.world.run(sender.sendMessage('events', told('x'.repeat(200)))));
  assert.equal(error.code, 'AEP_MESSAGE_TOO_LARGE');
  assert.match(error.message, /events@bank-bus has \d+ bytes; the limit is 100/);
  await teller.world.run(sender.sendMessage('events', told('small')));
  await teller.idle();
  assert.deepEqual(
    teller.bus.sent.map(({ sno, channelSno }) => [sno, channelSno]),
    [[1, 1]],
  );
  await teller.world.run(teller.engine.stop());
});

for (const capacity of [Infinity, 3]) {
  test(`a bus that does not confirm (room for ${capacity}) holds events back; nothing is dropped, and it resumes (E43)`, async () => {
    const teller = await startedTeller({ limits: { outboundPendingMax: 10, inboundQueueMax: 20 } });
    teller.bus.confirms = false;
    teller.bus.capacity = capacity;
    for (let n = 0; n < 100; n++) teller.bus.deliver(deposit('a', 1));
    await teller.world.advance(1_000);
    assert.equal(teller.app.calls, 10);
    assert.equal(teller.bus.binding.waiting.length, 70);
    assert.equal(teller.bus.sent.length, Math.min(10, capacity));
    teller.bus.confirms = true;
    teller.bus.confirmAll();
    await teller.idle();
    await teller.idle();
    assert.deepEqual([teller.balance('a'), teller.bus.acknowledged.length], [100, 100]);
    assert.deepEqual(
      teller.bus.sent.map((sent) => sent.sno),
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    await teller.world.run(teller.engine.stop());
  });
}

test('a full queue answers back-pressured, the message stays with the caller, and whenWritable tells when to go on (E43)', async () => {
  const teller = await startedTeller({ limits: { inboundQueueMax: 4 } });
  const message = deposit('last', 1);
  for (let n = 0; n < 4; n++) assert.equal(teller.engine.offer(deposit('a', 1)), 'accepted');
  assert.equal(teller.engine.offer(message), 'back-pressured');
  assert.equal((await rejection(teller.engine.inject(deposit('b', 1)))).code, 'AEP_ENGINE_BUSY');
  assert.equal(message.account, 'last');
  await teller.world.run(teller.engine.whenWritable());
  assert.equal(teller.engine.offer(message), 'accepted');
  await teller.idle();
  assert.equal(teller.balance('last'), 1);
  await teller.world.run(teller.engine.stop());
  assert.equal(teller.engine.offer(deposit('a', 1)), 'closed');
  assert.equal(teller.engine.senderFor<BankChannels>().offer('events', told('a')), 'closed');
});

test('BestEffort goes out after stability, is not waited for, and is not sent again after a crash (E44)', async () => {
  const app = () => bank().on(Deposit, (_message, { send }) => send('news', told('n')));
  const teller = await new TellerWorld(app()).start();
  teller.bus.confirms = false;
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  assert.deepEqual([teller.bus.sent.length, teller.bus.acknowledged], [1, [1]]);
  await teller.restart(app());
  await teller.idle();
  assert.equal(teller.bus.sent.length, 0);
  await teller.world.run(teller.engine.stop());
});

test('BestEffort to a bus that is down is dropped and counted; Guaranteed waits and goes out (E44, E91)', async () => {
  const app = bank().on(Deposit, (_message, { send }) => {
    send('news', told('n'));
    send('events', told('e'));
  });
  const teller = await new TellerWorld(app).start();
  const { AepError } = await import('@aep/kernel');
  teller.bus.binding.goDown(new AepError('AEP_TEST', 'retry', 'line cut'));
  await teller.world.run(teller.engine.senderFor<BankChannels>().sendMessage('news', told('n')));
  void teller.engine.inject(deposit('a', 1));
  await teller.world.settle();
  const { channels } = teller.engine.statistics();
  assert.deepEqual([teller.bus.sent.length, channels['news@bank-bus']!.bestEffortDropped], [0, 2]);
  teller.bus.binding.comeUp();
  await teller.idle();
  assert.deepEqual(
    teller.bus.sent.map((sent) => sent.channel),
    ['events'],
  );
  await teller.world.run(teller.engine.stop());
});

test('a message belongs to the engine once it was sent: using it throws and says where it was sent (E41)', async () => {
  const errors: string[] = [];
  const app = bank().on(Deposit, (message, { send }) => {
    const event = told('a');
    send('events', event);
    for (const misuse of [
      () => event.account,
      () => void (event.account = 'b'),
      () => send('events', event),
      () => event.dispose(),
      () => send('deposits', message),
    ]) {
      try {
        misuse();
      } catch (error) {
        errors.push((error as { code: string }).code);
      }
    }
    send('deposits', message.copy());
  });
  const teller = await new TellerWorld(app).start();
  teller.bus.deliver(deposit('a', 1));
  await teller.idle();
  assert.deepEqual(errors, [...Array(4).fill('AEP_VIEW_DISPOSED'), 'AEP_SEND_INBOUND']);
  assert.deepEqual(
    teller.bus.sent.map((sent) => sent.channel),
    ['events', 'deposits'],
  );
  await teller.world.run(teller.engine.stop());
});

test('sends in a flow have numbers of their own, per channel too; a flow is a whole number (E51, E52)', async () => {
  const app = () =>
    bank().on(Deposit, (message, { send }) => {
      send('events', told('a'), { flow: message.amount });
      if (message.amount !== 3) send('deposits', message.copy(), { flow: message.amount });
    });
  const teller = await new TellerWorld(app()).start({ policies: { appException: 'LogAndContinue' } });
  for (const flow of [1, 2, 1, 3]) teller.bus.deliver(deposit('x', flow));
  teller.bus.deliver(deposit('x', -1));
  await teller.idle();
  const numbers = () =>
    teller.bus.sent
      .filter((sent) => sent.channel === 'events' && !sent.possibleDuplicate)
      .map((sent) => [sent.flow, sent.sno, sent.channelSno]);
  assert.deepEqual(numbers(), [
    [1, 1, 1],
    [2, 1, 1],
    [1, 3, 2],
    [3, 1, 1],
  ]);
  assert.ok(teller.world.lines.some((line) => line.message.includes('AEP_FLOW_INVALID')));
  await teller.restart(app());
  teller.bus.deliver(deposit('x', 1), { sno: 10 });
  await teller.idle();
  assert.deepEqual(numbers(), [[1, 5, 3]]);
  await teller.world.run(teller.engine.stop());
});

test('a message that the bus refuses is not overtaken by one that it would take (E40, E51)', async () => {
  const teller = await startedTeller();
  let isTight = true;
  teller.bus.refuses = ({ json }) => isTight && String(json['account']).length > 10;
  for (const account of ['a', 'a long name', 'b']) teller.bus.deliver(deposit(account, 1));
  await teller.world.settle();
  assert.deepEqual(
    teller.bus.sent.map((sent) => sent.sno),
    [1],
  );
  isTight = false;
  teller.bus.confirmAll();
  await teller.idle();
  assert.deepEqual(
    teller.bus.sent.map((sent) => sent.sno),
    [1, 2, 3],
  );
  await teller.world.run(teller.engine.stop());
});
