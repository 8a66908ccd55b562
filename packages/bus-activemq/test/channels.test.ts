import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChannelDescription, Subscriber } from '@aep/bus';
import { StompConnection } from '@aep/bus-activemq/internal';
import { hasCode } from './codes.js';
import { StompWorld } from './scripted-broker.js';

function channel(
  name: string,
  qos: ChannelDescription['qos'],
  properties: Record<string, string> = {},
): ChannelDescription {
  return { name, id: name.length, qos, properties };
}

const subscriber = (app: string, name: string, ...patterns: string[]): Subscriber => ({ app, channel: name, patterns });

describe('channels as destinations', () => {
  it('are queues when they say so, consumed exclusively', async () => {
    const channels = [channel('orders', 'Guaranteed', { destination: '/queue/orders/new' })];
    const world = new StompWorld({ channels });
    const b = await world.makeApp({ app: 'b', roster: [subscriber('b', 'orders')] }).open();
    await b.join('orders', ['N/US']);
    b.sendAll('orders', 'N/US', ['m1']);
    await world.pass(5);
    assert.equal(world.sent('SEND')[0]!.headers['destination'], '/queue/orders.new');
    const { destination, selector, ...rest } = world.sent('SUBSCRIBE')[0]!.headers;
    assert.equal(destination, '/queue/orders.new');
    assert.equal(rest['activemq.exclusive'], 'true');
    assert.equal(selector, "aep_key = 'N/US'");
  });

  it('keep durable subscriptions for topics that are not virtual, or when the bus says so', async () => {
    const cases: [Record<string, string>, Record<string, string>, string][] = [
      [{ destination: '/topic/prices' }, {}, '/topic/prices'],
      [{}, { subscriptions: 'durable' }, '/topic/VirtualTopic.bus.orders'],
    ];
    for (const [ofChannel, properties, destination] of cases) {
      const world = new StompWorld({ channels: [channel('orders', 'Guaranteed', ofChannel)], properties });
      await world.makeApp({ app: 'b', roster: [subscriber('b', 'orders')] }).openAndJoin('orders');
      const subscriptions = world
        .sent('SUBSCRIBE')
        .map(({ headers }) => [headers['destination'], headers['activemq.subscriptionName']]);
      assert.deepEqual(subscriptions, [[destination, 'orders']]);
    }
  });

  it('have their keys in the destination when a BestEffort topic says so, with the wildcards of the broker; each message once', async () => {
    const channels = [channel('ticks', 'BestEffort', { keys: 'destination' })];
    const world = new StompWorld({ channels });
    const b = await world.makeApp({ app: 'b', roster: [] }).open();
    await b.join('ticks', ['N/*/a*', 'N/US/**', 'N/U.S']);
    const places = world.sent('SUBSCRIBE').map(({ headers }) => headers['destination']);
    assert.deepEqual(places, ['/topic/bus.ticks.N.*.*', '/topic/bus.ticks.N.US.>', '/topic/bus.ticks.N.U_S']);
    b.sendAll('ticks', 'N/US/ab', ['m1']);
    await world.pass(5);
    assert.equal(world.sent('SEND')[0]!.headers['destination'], '/topic/bus.ticks.N.US.ab');
    const { client } = world.subscriber;
    const ids = world.sent('SUBSCRIBE').map(({ headers }) => headers['id']!);
    for (const [index, id] of ids.slice(0, 2).entries()) {
      client.say(
        'MESSAGE',
        { subscription: id, ack: `x${index}`, destination: '/topic/bus.ticks.N.US.ab' },
        `copy ${index}`,
      );
    }
    client.say(
      'MESSAGE',
      { subscription: ids[0]!, ack: 'x2', destination: '/topic/bus.ticks.N.US.b' },
      'not asked for',
    );
    await world.pass(5);
    assert.deepEqual(
      b.received.map(({ text, key }) => [text, key]),
      [['copy 0', 'N/US/ab']],
    );
    assert.equal(world.sent('ACK').length, 3, 'the broker is told of all three');
  });

  it('join again with more patterns on the same connection', async () => {
    const world = new StompWorld();
    const b = await world.makeApp({ app: 'b', roster: [] }).open();
    await b.join('ticks', ['N/US']);
    await b.join('ticks', ['N/EMEA']);
    const last = world.sent('SUBSCRIBE').at(-1)!;
    assert.equal(last.headers['selector'], "aep_key = 'N/US' OR aep_key = 'N/EMEA'");
    assert.equal(world.sent('UNSUBSCRIBE').length, 1);
    assert.equal(b.count('up ticks'), 2);
  });

  it('filter keys here unless the channel leaves it to the broker, whose selector may say less than a pattern', async () => {
    for (const filter of ['client', 'broker']) {
      const world = new StompWorld({
        channels: [channel('orders', 'Guaranteed', { filter, destination: '/topic/t' })],
      });
      const b = await world.makeApp({ app: 'b', roster: [subscriber('b', 'orders', "N/*/o'x")] }).openAndJoin('orders');
      const selector = world.sent('SUBSCRIBE').at(-1)!.headers['selector'];
      assert.equal(selector, filter === 'broker' ? "aep_key LIKE 'N/%/o''x'" : undefined);
      world.deliver(1, { aep_key: "N/a/b/o'x" });
      world.deliver(2, { aep_key: "N/a/o'x" });
      await world.until(() => b.received.length === 1, 'the second has come');
      assert.deepEqual(b.texts(), ['m2']);
    }
  });

  it('are refused when they cannot be: queues of two apps, keys of Guaranteed topics, one name twice, words that do not exist', () => {
    const two = [subscriber('a', 'orders'), subscriber('b', 'orders')];
    const cases: [readonly ChannelDescription[], readonly Subscriber[], RegExp][] = [
      [[channel('orders', 'Guaranteed', { destination: '/queue/q' })], two, /each would get a part/],
      [[channel('orders', 'Guaranteed', { keys: 'destination' })], [], /counts as a duplicate/],
      [[channel('orders', 'Guaranteed', { destination: 'orders' })], [], /expected \/topic\/NAME/],
      [[channel('orders', 'Guaranteed', { destination: '/topic/a,b' })], [], /expected \/topic\/NAME/],
      [[channel('orders', 'Guaranteed', { filter: 'server' })], [], /expected client or broker, got "server"/],
      [
        [
          channel('a', 'Guaranteed', { destination: '/topic/x' }),
          channel('b', 'Guaranteed', { destination: '/topic/x' }),
        ],
        [],
        /have the same topic/,
      ],
      [
        [channel('orders', 'Guaranteed')],
        [subscriber('a.b', 'orders'), subscriber('a_b', 'orders')],
        /same name for the broker/,
      ],
    ];
    for (const [channels, roster, message] of cases) {
      const world = new StompWorld({ channels });
      assert.throws(
        () => world.makeApp({ app: 'a', roster }),
        (error: unknown) => {
          assert.ok(hasCode('AEP_BUS_DESCRIPTOR_INVALID')(error));
          assert.match((error as Error).message, message);
          return true;
        },
      );
    }
  });
});

describe('properties of the bus', () => {
  it('are refused when they are out of range or no words', () => {
    const cases: [Record<string, string>, RegExp][] = [
      [{ prefetch: '0' }, /"prefetch": expected an integer in 1\.\.65535/],
      [{ flavor: 'rabbit' }, /expected classic or artemis/],
      [{ tls: 'yes' }, /expected false or true/],
      [{ tls: 'true', caFile: '/no/such/file' }, /"caFile": .*no such file/],
      [{ reconnectMinMs: '100', reconnectMaxMs: '50' }, /"reconnectMaxMs"/],
    ];
    for (const [properties, message] of cases) {
      const world = new StompWorld({ properties });
      assert.throws(() => world.makeApp({ app: 'a', roster: [] }), message);
    }
  });

  it('warn when a password goes to another machine in the clear', () => {
    const world = new StompWorld({ properties: { user: 'u', password: 'very secret' } });
    const describe = world.describeBus.bind(world);
    world.describeBus = (roster) => ({ ...describe(roster), address: 'broker.example' });
    world.makeApp({ app: 'a', roster: [] });
    assert.match(world.logText, /^warn the password is sent to another machine in the clear/);
    assert.ok(!world.logText.includes('very secret'));
  });

  it('make the frames of Artemis: plain addresses, routing types, durable subscriptions, a window in bytes', async () => {
    const world = new StompWorld({ properties: { flavor: 'artemis', prefetch: '10' } });
    const b = await world.makeApp({ app: 'b', roster: [subscriber('b', 'orders')] }).openAndJoin('orders');
    b.sendAll('orders', '', ['m1']);
    await world.until(() => b.confirmed.length === 1, 'it is confirmed');
    const send = world.sent('SEND')[0]!.headers;
    assert.deepEqual([send['destination'], send['destination-type']], ['VirtualTopic.bus.orders', 'MULTICAST']);
    const { id, receipt, ...subscription } = world.sent('SUBSCRIBE')[0]!.headers;
    assert.deepEqual([id, receipt], ['1', '1']);
    assert.deepEqual(
      { ...subscription },
      {
        destination: 'VirtualTopic.bus.orders',
        'subscription-type': 'MULTICAST',
        ack: 'client-individual',
        'consumer-window-size': '10240',
        'durable-subscription-name': 'orders',
      },
    );
    assert.equal(world.sent('CONNECT').at(-1)!.headers['client-id'], 'aep.bus.b');
  });
});

describe('one connection', () => {
  it('ends with AEP_STOMP_CLOSED when its owner closes it, after the broker has worked off what was sent before', async () => {
    const world = new StompWorld();
    const steps: string[] = [];
    const limits = { headBytesMax: 1000, headerCountMax: 10, bodyBytesMax: 1000 };
    const options = { clock: world.clock, host: 'h', heartbeatMs: 0, connectMs: 1000, limits };
    const connection = new StompConnection(options, {
      onConnected: () => steps.push('connected'),
      onMessage: () => steps.push('message'),
      onRoom: () => undefined,
      onEnded: (_connection, cause) => steps.push(cause.code),
      onSettled: () => steps.push('settled'),
    });
    connection.attach(world.network.node('a').connect({ host: '127.0.0.1', port: 61_613 }, connection));
    await world.until(() => connection.isUp, 'it is up');
    connection.send('ACK', { id: '1' });
    connection.close();
    assert.deepEqual(steps, ['connected']);
    await world.until(() => steps.length === 3, 'it is gone');
    assert.deepEqual(steps, ['connected', 'AEP_STOMP_CLOSED', 'settled']);
    assert.deepEqual(
      world.clients[0]!.frames.map(({ command }) => command),
      ['CONNECT', 'ACK', 'DISCONNECT'],
    );
  });
});
