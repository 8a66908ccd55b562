import assert from 'node:assert/strict';
import { after, describe, test, type TestContext } from 'node:test';
import { numbered, roster, type TestApp } from '@aep/bus/contract';
import {
  activeMqBroker,
  type ActiveMqBrokerOptions,
  BrokerProcess,
  didNotRun,
  FaultProxy,
  PlainStompClient,
} from '@aep/brokers';
import { ActiveMqWorld } from './activemq-world.js';
import { hasCode } from './codes.js';

const ENTRIES = roster(['b', 'orders']);
/** Soon found out and soon back. */
const QUICK = { heartbeatMs: '500', reconnectMaxMs: '200' };

const disposals: (() => Promise<void>)[] = [];
after(async () => {
  for (const dispose of disposals) await dispose();
});

async function brokerFor(
  context: TestContext,
  options: ActiveMqBrokerOptions = {},
): Promise<BrokerProcess | undefined> {
  const kind = activeMqBroker(options);
  if (didNotRun(context, kind)) return undefined;
  const broker = await (await BrokerProcess.create(kind)).start();
  disposals.push(() => broker.dispose());
  return broker;
}

let shared: Promise<BrokerProcess | undefined> | undefined;

/** The broker of the tests that do it no harm. */
function sharedBroker(context: TestContext): Promise<BrokerProcess | undefined> {
  return (shared ??= brokerFor(context));
}

async function proxyFor(broker: BrokerProcess): Promise<FaultProxy> {
  const proxy = await FaultProxy.listen(broker.port);
  disposals.push(() => proxy.dispose());
  return proxy;
}

/** Each message where it came first: what an engine makes of them, which knows the numbers that it has seen. */
function firstsOf(app: TestApp): string[] {
  return [...new Set(app.texts())];
}

/** Sends all, a little at a time, as fast as they are confirmed. */
async function sendAll(world: ActiveMqWorld, app: TestApp, texts: readonly string[]): Promise<void> {
  let sent = 0;
  await world.until(() => {
    while (sent < texts.length && app.send('orders', 'k', texts[sent]!) === 'accepted') sent++;
    return sent === texts.length;
  }, 'all is sent');
}

async function untilPatiently(world: ActiveMqWorld, condition: () => boolean, what: string): Promise<void> {
  for (let rounds = 0; !condition() && rounds < 600; rounds++) await world.pass(100);
  assert.ok(condition(), `waited in vain until ${what}\n${world.logText}`);
}

describe('ActiveMQ and its faults', { concurrency: false }, () => {
  test('killed and started again in the middle: everything arrives, in order', async (context) => {
    const broker = await brokerFor(context);
    if (broker === undefined) return;
    const world = new ActiveMqWorld({ port: broker.port, properties: QUICK });
    const a = await world.makeApp({ app: 'a', roster: ENTRIES }).open();
    const b = await world.makeApp({ app: 'b', roster: ENTRIES }).openAndJoin('orders');
    for (let round = 0; round < 2; round++) {
      a.sendAll('orders', 'k', numbered(1000, `r${round}-`));
      await world.pass(30);
      await broker.restart();
    }
    await untilPatiently(world, () => a.confirmed.length === 2000 && firstsOf(b).length === 2000, 'all has arrived');
    assert.deepEqual(firstsOf(b), [...numbered(1000, 'r0-'), ...numbered(1000, 'r1-')]);
    assert.ok(a.events.includes('binding up') && b.count('up orders') >= 2, 'it was noticed');
    await Promise.all([a.close(), b.close()]);
  });

  test('connections are cut again and again, also while they are made: everything arrives, in order', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    const proxy = await proxyFor(broker);
    const world = new ActiveMqWorld({ port: proxy.port, properties: { ...QUICK, reconnectMinMs: '10' } });
    const a = await world.makeApp({ app: 'a', roster: ENTRIES, unconfirmedMax: 200 }).open();
    const b = await world.makeApp({ app: 'b', roster: ENTRIES }).openAndJoin('orders');
    const texts = numbered(3000);
    const sending = sendAll(world, a, texts);
    for (let cuts = 0; cuts < 15; cuts++) {
      await world.pass(10 + ((cuts * 37) % 120));
      proxy.cut();
    }
    await sending;
    await untilPatiently(world, () => a.confirmed.length === 3000 && firstsOf(b).length === 3000, 'all has arrived');
    assert.deepEqual(firstsOf(b), texts);
    await Promise.all([a.close(), b.close()]);
  });

  test('a storm of redeliveries: what is never acknowledged comes again each time, in order, and becomes no dead letter', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    const proxy = await proxyFor(broker);
    const world = new ActiveMqWorld({ port: proxy.port, properties: { ...QUICK, reconnectMinMs: '10' } });
    const a = await world.makeApp({ app: 'a', roster: ENTRIES }).open();
    const b = world.makeApp({ app: 'b', roster: ENTRIES });
    b.isAutoAck = false;
    await b.openAndJoin('orders');
    a.sendAll('orders', 'k', numbered(50));
    await untilPatiently(world, () => b.received.length === 50, 'all has come');
    for (let round = 1; round <= 10; round++) {
      proxy.cut();
      await untilPatiently(world, () => b.received.length === 50 * (round + 1), `all has come again (${round})`);
      assert.deepEqual(b.texts().slice(50 * round), numbered(50));
      assert.ok(
        b.received.slice(50 * round).every(({ possibleDuplicate }) => possibleDuplicate),
        'marked',
      );
    }
    b.acknowledge();
    await world.pass(300);
    await Promise.all([a.close(), b.close()]);
    const dead = await PlainStompClient.connect(broker.port);
    await dead.ask('SUBSCRIBE', { id: '1', destination: '/queue/ActiveMQ.DLQ', ack: 'client-individual' });
    assert.equal(await dead.until(() => dead.messages().length > 0, 300), false, 'no dead letter');
    dead.close();
  });

  test('silent but not gone: found out by heartbeats, and everything arrives when it is back', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    const proxy = await proxyFor(broker);
    const world = new ActiveMqWorld({ port: proxy.port, properties: { ...QUICK, connectMs: '1000' } });
    const a = await world.makeApp({ app: 'a', roster: ENTRIES }).open();
    const b = await world.makeApp({ app: 'b', roster: ENTRIES }).openAndJoin('orders');
    proxy.stall();
    a.sendAll('orders', 'k', numbered(100));
    await untilPatiently(world, () => a.count('binding down AEP_STOMP_SILENT') === 1, 'it is found out');
    proxy.flow();
    await untilPatiently(world, () => a.confirmed.length === 100 && firstsOf(b).length === 100, 'all has arrived');
    assert.deepEqual(firstsOf(b), numbered(100));
    await Promise.all([a.close(), b.close()]);
  });

  for (const isFailingWhenFull of [false, true]) {
    const how = isFailingWhenFull ? 'answers with errors' : 'stops reading from senders';
    test(`a full broker that ${how} holds senders back; acknowledgements still get through and nothing is lost`, async (context) => {
      const broker = await brokerFor(context, { storeLimitMb: 10, isFailingWhenFull });
      if (broker === undefined) return;
      const world = new ActiveMqWorld({ port: broker.port, properties: { ...QUICK, prefetch: '20' } });
      const a = await world.makeApp({ app: 'a', roster: ENTRIES, unconfirmedMax: 300 }).open();
      const filler = 'x'.repeat(20_000);
      const texts = numbered(2000).map((text) => `${text} ${filler}`);
      let sent = 0;
      const pump = (): void => {
        while (sent < texts.length && a.send('orders', 'k', texts[sent]!) === 'accepted') sent++;
      };
      // Forty megabytes do not go into ten: at some point no more is confirmed.
      let before = -1;
      for (let quiet = 0; quiet < 15; quiet = a.confirmed.length === before ? quiet + 1 : 0) {
        before = a.confirmed.length;
        pump();
        await world.pass(100);
      }
      assert.ok(before > 0 && before < 1500, `${before} confirmed when it was full`);
      assert.ok(sent - before <= 300, 'no more is taken than may be unconfirmed');
      if (isFailingWhenFull) assert.ok(world.loggedCodes.includes('AEP_STOMP_BROKER_FULL'));
      const b = await world.makeApp({ app: 'b', roster: ENTRIES }).openAndJoin('orders');
      await untilPatiently(world, () => (pump(), firstsOf(b).length === 2000), 'all has arrived');
      assert.deepEqual(firstsOf(b), texts);
      await untilPatiently(world, () => a.confirmed.length === 2000, 'all is confirmed');
      await Promise.all([a.close(), b.close()]);
    });
  }

  test('wrong credentials are refused with one attempt; right ones are let in', async (context) => {
    const broker = await brokerFor(context, { users: { aep: 'right and secret' } });
    if (broker === undefined) return;
    const proxy = await proxyFor(broker);
    const worldWith = (password: string): ActiveMqWorld =>
      new ActiveMqWorld({
        port: proxy.port,
        properties: { user: 'aep', passwordEnv: 'PASSWORD' },
        provider: { variables: { PASSWORD: password } },
      });
    const wrong = worldWith('wrong and secret');
    await assert.rejects(wrong.makeApp({ app: 'a', roster: ENTRIES }).open(), hasCode('AEP_STOMP_REFUSED'));
    await wrong.pass(500);
    assert.equal(proxy.accepted, 1);
    assert.ok(!wrong.logText.includes('secret'));
    const nobody = new ActiveMqWorld({ port: proxy.port });
    await assert.rejects(nobody.makeApp({ app: 'a', roster: ENTRIES }).open(), hasCode('AEP_STOMP_REFUSED'));
    const right = worldWith('right and secret');
    const a = await right.makeApp({ app: 'a', roster: ENTRIES }).openAndJoin('orders');
    await a.close();
  });

  test('what the broker does not allow fails the binding once: a queue to make, a queue to read', async (context) => {
    const users = { aep: 'secret' };
    const broker = await brokerFor(context, { users, allowedQueues: 'Consumer.a.>' });
    if (broker === undefined) return;
    const proxy = await proxyFor(broker);
    const properties = { user: 'aep', password: 'secret' };
    const strict = new ActiveMqWorld({ port: proxy.port, properties });
    await assert.rejects(strict.makeApp({ app: 'a', roster: ENTRIES }).open(), hasCode('AEP_STOMP_NOT_AUTHORIZED'));
    const world = new ActiveMqWorld({ port: proxy.port, properties: { ...properties, ensureSubscriptions: 'false' } });
    const b = await world.makeApp({ app: 'b', roster: ENTRIES }).open();
    b.binding.join(b.channel('orders'), ['**']);
    await untilPatiently(world, () => b.failures.length === 1, 'the binding fails');
    assert.equal(b.failures[0]!.code, 'AEP_STOMP_NOT_AUTHORIZED');
    await world.pass(500);
    assert.equal(proxy.accepted, 3, 'no retry storm');
  });

  test('a subscription outlives its app, and a filter that has changed meanwhile loses nothing', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    for (const subscriptions of ['virtual', 'durable']) {
      const world = new ActiveMqWorld({ port: broker.port, properties: { subscriptions } });
      const before = roster(['b', 'orders', 'N/US/*']);
      const after_ = roster(['b', 'orders', 'N/US/*', 'N/EMEA/*']);
      const b = await world.makeApp({ app: 'b', roster: before }).openAndJoin('orders');
      await b.close(true);
      const a = await world.makeApp({ app: 'a', roster: before }).open();
      for (const key of ['N/US/1', 'N/EMEA/1', 'N/CA/1', 'N/US/2']) a.sendAll('orders', key, [key]);
      await world.until(() => a.confirmed.length === 4, 'all is confirmed');
      const again = await world.makeApp({ app: 'b', roster: after_ }).openAndJoin('orders');
      await world.until(() => again.received.length === 3, 'what waited is there');
      assert.deepEqual(again.texts(), ['N/US/1', 'N/EMEA/1', 'N/US/2'], subscriptions);
      await Promise.all([a.close(), again.close(false)]);
    }
  });

  test('not there: the first attempt fails with advice retry', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    const proxy = await proxyFor(broker);
    proxy.refuse();
    const world = new ActiveMqWorld({ port: proxy.port });
    const refused = world.makeApp({ app: 'a', roster: ENTRIES }).open();
    await assert.rejects(refused, (error: unknown) => {
      const { code, advice } = error as { code: string; advice: string };
      assert.ok(['AEP_NET_CONNECT_FAILED', 'AEP_NET_RESET'].includes(code), code);
      assert.equal(advice, 'retry');
      return true;
    });
  });

  for (const [what, entries] of [
    ['of the roster', ENTRIES],
    ['that is dynamic', roster()],
  ] as const) {
    test(`a takeover of a join ${what}: the new process waits for the old one's connection and then has everything it left, in order`, async (context) => {
      const broker = await sharedBroker(context);
      if (broker === undefined) return;
      const proxy = await proxyFor(broker);
      const direct = new ActiveMqWorld({ port: broker.port, properties: QUICK });
      const old = new ActiveMqWorld({
        port: proxy.port,
        properties: { ...QUICK, reconnectMinMs: '60000', reconnectMaxMs: '60000' },
      });
      old.busName = direct.busName;
      const first = old.makeApp({ app: 'b', roster: entries });
      first.isAutoAck = false;
      await first.openAndJoin('orders');
      const a = await direct.makeApp({ app: 'a', roster: entries }).open();
      a.sendAll('orders', 'k', numbered(20));
      await untilPatiently(old, () => first.received.length === 20, 'the old process has them');
      first.acknowledge(5);
      await old.pass(300);
      const second = await direct.makeApp({ app: 'b', roster: entries }).open();
      second.binding.join(second.channel('orders'), ['**']);
      await direct.pass(600);
      assert.deepEqual(second.events, [], 'it waits');
      assert.ok(direct.loggedCodes.includes('AEP_STOMP_CLIENT_ID_IN_USE'));
      a.sendAll('orders', 'k', ['m21']);
      proxy.refuse();
      await untilPatiently(direct, () => second.received.length === 16, 'it has taken over');
      assert.deepEqual(second.texts(), numbered(21).slice(5));
      await Promise.all([a.close(), second.close(false), first.close()]);
    });
  }

  test('a message over messageBytesMax is found among the dead letters of the broker', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    const world = new ActiveMqWorld({ port: broker.port });
    const b = await world.makeApp({ app: 'b', roster: ENTRIES, messageBytesMax: 1000 }).openAndJoin('orders');
    const plain = await PlainStompClient.connect(broker.port);
    const destination = `/topic/VirtualTopic.${world.busName}.orders`;
    await plain.ask('SEND', { destination, persistent: 'true', 'content-length': '1500' }, 'x'.repeat(1500));
    await plain.ask('SEND', { destination, persistent: 'true', 'content-length': '4' }, 'fine');
    await untilPatiently(world, () => b.received.length === 1, 'the second has come');
    assert.deepEqual(b.texts(), ['fine']);
    assert.deepEqual(world.loggedCodes, ['AEP_STOMP_MESSAGE_TOO_LARGE']);
    await plain.ask('SUBSCRIBE', { id: '1', destination: '/queue/ActiveMQ.DLQ', ack: 'auto' });
    assert.ok(await plain.until(() => plain.messages().length === 1), 'it is a dead letter');
    assert.equal(plain.messages()[0]!.body.length, 1500);
    plain.close();
    await b.close();
  });
});
