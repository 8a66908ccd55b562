import assert from 'node:assert/strict';
import { after, test, type TestContext } from 'node:test';
import { BrokerProcess, didNotRun, FaultProxy, natsServer } from '@aep/brokers';
import { numbered, roster, type TestApp } from '@aep/bus/contract';
import { AepError } from '@aep/kernel';
import { accepted } from './accepted.js';
import { NatsWorld, type NatsWorldOptions } from './nats-world.js';

const kind = natsServer();
const shared: BrokerProcess | undefined =
  kind.missing() === undefined ? await (await BrokerProcess.create(kind)).start() : undefined;
after(() => shared?.dispose());

interface Scene {
  readonly broker: BrokerProcess;
  readonly proxy: FaultProxy;
  readonly world: NatsWorld;
}

/** A test with a broker, a proxy in front of it and apps that go through the proxy. */
function faultTest(
  name: string,
  body: (scene: Scene, context: TestContext) => Promise<void>,
  { own = false, ...options }: NatsWorldOptions & { readonly own?: boolean } = {},
): void {
  test(name, async (context) => {
    if (didNotRun(context, kind)) return;
    const broker = own ? await (await BrokerProcess.create(kind)).start() : shared!;
    const proxy = await FaultProxy.listen(broker.port);
    const world = new NatsWorld(broker, { port: proxy.port, ...options });
    try {
      await body({ broker, proxy, world }, context);
    } catch (thrown) {
      context.diagnostic(world.logText.slice(-5000));
      throw thrown;
    } finally {
      await world.dispose();
      await proxy.dispose();
      if (own) await broker.dispose();
    }
  });
}

const entries = roster(['b', 'orders']);

/** Sends as many as the binding takes, whenever it takes some. */
function pump(app: TestApp, total: number): () => boolean {
  let sent = 0;
  return () => {
    while (sent < total && app.send('orders', `k/${sent % 5}`, `m${sent + 1}`) === 'accepted') sent++;
    return app.confirmed.length === total;
  };
}

faultTest('loses nothing and keeps the order when connections are cut again and again', async ({ proxy, world }) => {
  const a = await world.app({ app: 'a', roster: entries, unconfirmedMax: 200 }).open();
  const b = await world.app({ app: 'b', roster: entries, unacknowledgedMax: 100 }).openAndJoin('orders');
  const isSent = pump(a, 5000);
  for (let cut = 1; cut <= 8; cut++) {
    await world.until(() => isSent() || accepted(b.received).length >= cut * 300, 'some have arrived');
    proxy.cut();
  }
  await world.until(isSent, 'all is confirmed');
  await world.until(() => accepted(b.received).length === 5000, 'b has all');
  assert.deepEqual(accepted(b.received), numbered(5000));
  assert.ok(a.count('binding up') >= 1, 'it was cut and came back');
  assert.ok(b.count('down orders') >= 1 && b.count('up orders') >= 2, 'ChannelDown and ChannelUp around it (E91)');
});

faultTest(
  'loses nothing and keeps the order when the broker is killed and restarted mid-run',
  async ({ broker, world }) => {
    const a = await world.app({ app: 'a', roster: entries, unconfirmedMax: 200 }).open();
    const b = await world.app({ app: 'b', roster: entries, unacknowledgedMax: 100 }).openAndJoin('orders');
    const isSent = pump(a, 3000);
    for (let kill = 1; kill <= 4; kill++) {
      await world.until(() => isSent() || accepted(b.received).length >= kill * 400, 'some have arrived');
      await broker.restart();
    }
    await world.until(isSent, 'all is confirmed');
    await world.until(() => accepted(b.received).length === 3000, 'b has all');
    assert.deepEqual(accepted(b.received), numbered(3000));
  },
  { own: true },
);

faultTest(
  'keeps for an app that is down what it had not acknowledged, when the broker is killed and other subscribers go on',
  async ({ broker, world }) => {
    const both = roster(['b', 'orders'], ['c', 'orders']);
    const a = await world.app({ app: 'a', roster: both }).open();
    const b = world.app({ app: 'b', roster: both, unacknowledgedMax: 40 });
    const c = world.app({ app: 'c', roster: both, unacknowledgedMax: 40 });
    b.isAutoAck = false;
    c.isAutoAck = false;
    await b.openAndJoin('orders');
    await c.openAndJoin('orders');
    a.sendAll('orders', 'k', numbered(100));
    await world.until(() => b.received.length === 40 && c.received.length === 40, 'both have some');
    b.acknowledge(10);
    c.acknowledge(20);
    await world.until(() => b.received.length === 50 && c.received.length === 60, 'they have more');
    await world.pass(300);
    await b.close();
    await broker.restart();
    c.isAutoAck = true;
    c.acknowledge();
    await world.until(() => accepted(c.received).length === 100, 'c has all');
    await world.pass(200);
    const again = await world.app({ app: 'b', roster: both }).openAndJoin('orders');
    await world.until(() => again.received.length >= 90, 'b has the rest');
    assert.deepEqual(accepted(again.received).slice(-90), numbered(100).slice(10));
  },
  { own: true },
);

faultTest(
  'notices a server that hangs, and goes on when it is back',
  async ({ broker, world }) => {
    const a = await world.app({ app: 'a', roster: entries }).open();
    const b = await world.app({ app: 'b', roster: entries }).openAndJoin('orders');
    a.sendAll('orders', 'k', ['m1']);
    await world.until(() => b.received.length === 1, 'b has the first');
    broker.pause();
    a.sendAll('orders', 'k', ['m2']);
    await world.until(() => a.events.some((event) => event.startsWith('binding down')), 'a has noticed');
    broker.resume();
    await world.until(() => a.confirmed.length === 2 && accepted(b.received).length === 2, 'the second has arrived');
    assert.deepEqual(accepted(b.received), numbered(2));
  },
  { own: true, properties: { pingMs: '100', requestTimeoutMs: '500', connectTimeoutMs: '500' } },
);

faultTest('with policy Fail a lost connection fails the binding', async ({ proxy, world }) => {
  const a = await world.app({ app: 'a', roster: entries, failPolicy: 'Fail' }).open();
  proxy.cut();
  await world.until(() => a.failures.length === 1, 'it has failed');
  assert.equal(a.failures[0]?.code, 'AEP_NATS_LOST');
  assert.equal(a.send('orders', 'k', 'late'), 'closed');
});

faultTest('reconnects with pauses that grow, and by chance', async ({ proxy, world }) => {
  const a = await world.app({ app: 'a', roster: entries }).open();
  proxy.refuse();
  await world.pass(1500);
  proxy.accept();
  await world.until(() => a.count('binding up') === 1, 'it is back');
  const tries = proxy.refused;
  // 10, 20, 40, 80, 160, 200, 200 … ms, each half to whole: between 9 and 20 in one and a half seconds.
  assert.ok(tries >= 5 && tries <= 22, `${tries} attempts`);
  assert.equal(a.count('binding down AEP_NATS_LOST'), 1, 'said once, not once per attempt');
});

faultTest(
  'a redelivery storm reaches the engine once, and ends with its acknowledgements',
  async ({ world }) => {
    const a = await world.app({ app: 'a', roster: entries }).open();
    const b = world.app({ app: 'b', roster: entries });
    b.isAutoAck = false;
    await b.openAndJoin('orders');
    a.sendAll('orders', 'k', numbered(50));
    await world.until(() => b.received.length === 50, 'b has all');
    // The broker gives up waiting for the acknowledgements, twice.
    await world.pass(2500);
    assert.deepEqual(b.texts(), numbered(50), 'nothing came twice');
    b.isAutoAck = true;
    b.acknowledge();
    a.sendAll('orders', 'k', ['m51']);
    await world.until(() => b.received.length === 51, 'it goes on');
    const stranger = await world.stranger();
    const info = await world.consumerInfo(stranger, 'orders', 'b');
    await stranger.close();
    assert.equal(info.num_ack_pending, 0, 'the broker waits for nothing');
    assert.ok(info.delivered.consumer_seq > 100, `there was a storm (${info.delivered.consumer_seq} deliveries)`);
  },
  { properties: { ackWaitMs: '1000' } },
);

faultTest('restores the order when somebody else takes deliveries of the same consumer', async ({ world }) => {
  const a = await world.app({ app: 'a', roster: entries }).open();
  const b = await world.app({ app: 'b', roster: entries }).openAndJoin('orders');
  const stranger = await world.stranger();
  const isSent = pump(a, 400);
  for (let theft = 1; theft <= 4; theft++) {
    await world.until(() => isSent() || accepted(b.received).length >= theft * 50, 'some have arrived');
    await world.steal(stranger, 'orders', 'b', 3);
  }
  await world.until(isSent, 'all is confirmed');
  await world.until(() => accepted(b.received).length === 400, 'b has all');
  await stranger.close();
  assert.deepEqual(accepted(b.received), numbered(400));
});

faultTest(
  'a takeover goes on behind what is acknowledged, though its predecessor still hangs on the line',
  async ({ proxy, world }) => {
    const a = await world.direct({ app: 'a', roster: entries }).open();
    const before = world.app({ app: 'b', roster: entries, unacknowledgedMax: 20 });
    before.isAutoAck = false;
    await before.openAndJoin('orders');
    a.sendAll('orders', 'k', numbered(60));
    await world.until(() => before.received.length === 20, 'the old primary has some');
    before.acknowledge(5);
    await world.until(() => before.received.length === 25, 'and goes on');
    await world.pass(50);
    proxy.stall();
    const after = await world.direct({ app: 'b', roster: entries }).openAndJoin('orders');
    await world.until(() => after.received.length === 55, 'the new one has all that is not acknowledged');
    assert.deepEqual(after.texts(), numbered(60).slice(5));
    a.sendAll('orders', 'k', ['m61']);
    await world.until(() => after.received.length === 56, 'and what comes now');
    proxy.refuse();
    proxy.flow();
  },
);

faultTest('a message that is sent again after a lost confirmation is stored once', async ({ world }) => {
  const a = await world.app({ app: 'a', roster: entries }).open();
  const b = await world.app({ app: 'b', roster: entries }).openAndJoin('orders');
  const outbound = a.makeOutbound('orders', 'k', 'm1');
  a.sendOutbound(outbound);
  await world.until(() => a.confirmed.length === 1, 'it is confirmed');
  const again = await world.app({ app: 'a', roster: entries }).open();
  again.sendOutbound(outbound);
  await world.until(() => again.confirmed.length === 1, 'it is confirmed again');
  again.sendAll('orders', 'k', ['m2']);
  await world.until(() => b.received.length === 2, 'b has both');
  assert.deepEqual(b.texts(), ['m1', 'm2'], 'the broker knows its id');
});

faultTest(
  'messages without a number are never taken for one another, by no life of their sender',
  async ({ world }) => {
    const b = await world.app({ app: 'b', roster: entries }).openAndJoin('orders');
    for (const life of ['first', 'second']) {
      const a = await world.app({ app: 'a', roster: entries }).open();
      for (const text of ['x', 'y']) {
        const outbound = a.makeOutbound('orders', 'k', `${life} ${text}`);
        outbound.metadata.sno = 0;
        a.sendOutbound(outbound);
      }
      await world.until(() => a.confirmed.length === 2, 'both are confirmed');
      await a.close();
    }
    await world.until(() => b.received.length === 4, 'b has all');
    assert.deepEqual(b.texts(), ['first x', 'first y', 'second x', 'second y']);
  },
);

faultTest(
  'a full stream holds its sender back, and no small message overtakes a large one that was refused',
  async ({ world }) => {
    const a = await world.app({ app: 'a', roster: entries, unconfirmedMax: 50 }).open();
    const b = world.app({ app: 'b', roster: entries });
    b.isAutoAck = false;
    await b.openAndJoin('orders');
    const texts = Array.from({ length: 300 }, (_, index) => `m${index + 1}${'x'.repeat(index % 3 === 0 ? 3000 : 10)}`);
    let sent = 0;
    const send = (): void => {
      while (sent < texts.length && a.send('orders', 'k', texts[sent]!) === 'accepted') sent++;
    };
    send();
    await world.until(() => world.logText.includes('the stream takes no messages'), 'the stream is full');
    await world.pass(200);
    assert.ok(a.confirmed.length < 50 && sent <= a.confirmed.length + 50, 'the sender is held back');
    b.isAutoAck = true;
    b.acknowledge();
    const isDone = (): boolean => {
      send();
      return a.confirmed.length === texts.length && b.received.length >= texts.length;
    };
    await world.until(isDone, 'all has arrived');
    assert.deepEqual(accepted(b.received), texts);
    assert.ok(world.logText.includes('the stream takes messages again'));
  },
  { properties: { streamBytesMax: '40000' } },
);

faultTest('a stream that an operator empties and makes anew is read from its beginning', async ({ proxy, world }) => {
  const a = await world.app({ app: 'a', roster: entries }).open();
  const b = await world.app({ app: 'b', roster: entries }).openAndJoin('orders');
  a.sendAll('orders', 'k', numbered(20));
  await world.until(() => b.received.length === 20, 'b has the first twenty');
  proxy.refuse();
  await world.until(() => b.count('binding down AEP_NATS_LOST') === 1, 'b is cut off');
  const stranger = await world.stranger();
  await stranger.request(`$JS.API.STREAM.DELETE.${world.streamOf('orders')}`);
  await stranger.close();
  proxy.accept();
  await world.until(() => b.count('up orders') === 2 && a.count('binding up') === 1, 'both are back');
  a.sendAll('orders', 'k', ['m21', 'm22']);
  await world.until(() => accepted(b.received).length === 22, 'what came after is there');
  assert.deepEqual(accepted(b.received), numbered(22));
});

faultTest('a message larger than the server takes fails the binding, with what to do', async ({ world }) => {
  const a = await world.app({ app: 'a', roster: entries, messageBytesMax: 4_000_000 }).open();
  a.send('orders', 'k', 'x'.repeat(1_100_000));
  await world.until(() => a.failures.length === 1, 'it has failed');
  const [failure] = a.failures;
  assert.ok(failure instanceof AepError);
  assert.equal(failure.code, 'AEP_NATS_TOO_LARGE');
  assert.match(failure.message, /max_payload.*limits\.messageBytesMax/);
});
