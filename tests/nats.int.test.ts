import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { BrokerProcess, didNotRun, natsServer } from '@aep/brokers';
import type { BusDescription } from '@aep/bus';
import { NatsProvider } from '@aep/bus-nats';
import type { BusUse } from '@aep/engine';
import { NewOrderMessage } from '@aep/example-orders';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { order, OrderTaker, until } from './src/harness/order-taker.js';
import { testStartPolicies } from './src/harness/start-policies.js';

// Engines' timers do not keep a process alive; these tests wait for them.
const alive = setInterval(() => undefined, 60_000);
let shared: Promise<BrokerProcess> | undefined;
after(async () => {
  clearInterval(alive);
  await (await shared)?.dispose();
});

function sharedBroker(context: TestContext): Promise<BrokerProcess | undefined> {
  const kind = natsServer();
  if (didNotRun(context, kind)) return Promise.resolve(undefined);
  return (shared ??= BrokerProcess.create(kind).then((broker) => broker.start()));
}

function busUse(name: string, port: number): BusUse {
  const description: BusDescription = {
    name,
    provider: 'nats',
    address: '127.0.0.1',
    port,
    properties: {},
    channels: [
      { name: 'orders', id: 1, qos: 'Guaranteed', properties: {} },
      { name: 'news', id: 2, qos: 'BestEffort', properties: {} },
    ],
    roster: ['orders', 'news'].map((channel) => ({ app: 'taker', channel, patterns: ['**'] })),
  };
  const defaultType = 'orders.NewOrderMessage';
  return {
    description,
    provider: new NatsProvider(),
    channels: [
      { name: 'orders', join: true, defaultType, key: 'N/${invoiceNo}' },
      { name: 'news', join: true, defaultType },
    ],
  };
}

testStartPolicies({ kind: natsServer, bus: busUse, code: 'AEP_NATS_UNREACHABLE' });

test('a plain client sends to an app: without a type it has that of the channel, and its key is in its subject', async (context) => {
  const broker = await sharedBroker(context);
  if (broker === undefined) return;
  const taker = new OrderTaker({ buses: [busUse('foreign', broker.port)] });
  await taker.engine.start();
  const client = await connect({ servers: `127.0.0.1:${broker.port}` });
  const stream = jetstream(client);
  const subject = 'foreign.orders.N.plain';
  await stream.publish(subject, order('plain', 1).toBytes());
  client.publish('foreign.news', order('news', 2).toBytes());
  await client.flush();
  await until(() => taker.taken.length === 2, 'both have come');
  // With numbers of its own a program gets what an engine gets: what comes twice counts once (E51).
  for (const [line, sno] of [
    [3, 1],
    [3, 1],
    [4, 2],
  ] as const) {
    const head = headers();
    head.set('aep-sno', String(sno));
    head.set('aep-sender-id', '9');
    head.set('aep-incarnation', '1');
    await stream.publish(subject, order('plain', line).toBytes(), { headers: head });
  }
  await until(() => taker.taken.at(-1) === 'plain 4', 'the last has come');
  assert.deepEqual(taker.taken.toSorted(), ['news 2', 'plain 1', 'plain 3', 'plain 4']);
  await client.close();
  await taker.engine.stop();
});

test('anything that speaks the protocol sends to an app: bytes over a socket', async (context) => {
  const broker = await sharedBroker(context);
  if (broker === undefined) return;
  const taker = new OrderTaker({ buses: [busUse('socket', broker.port)] });
  await taker.engine.start();
  const socket = createConnection({ host: '127.0.0.1', port: broker.port });
  const bytes = order('by hand', 7).toBytes();
  socket.write(`CONNECT {"verbose":false}\r\nPUB socket.orders ${bytes.length}\r\n`);
  socket.write(bytes);
  socket.write('\r\n');
  await until(() => taker.taken.length === 1, 'it has come');
  assert.deepEqual(taker.taken, ['by hand 7']);
  socket.destroy();
  await taker.engine.stop();
});

test('a plain client receives from an app: protobuf as it is, the key as subject, metadata as headers', async (context) => {
  const broker = await sharedBroker(context);
  if (broker === undefined) return;
  const taker = new OrderTaker({ buses: [busUse('outward', broker.port)] });
  await taker.engine.start();
  const client = await connect({ servers: `127.0.0.1:${broker.port}` });
  const manager = await jetstreamManager(client);
  await manager.consumers.add('outward~orders', { durable_name: 'plain', ack_policy: 'explicit' });
  await taker.engine.senderFor().sendMessage('orders', order('536365', 8));
  const consumer = await jetstream(client).consumers.get('outward~orders', 'plain');
  const message = await consumer.next({ expires: 5000 });
  assert.ok(message !== null);
  assert.equal(message.subject, 'outward.orders.N.536365');
  assert.deepEqual(Buffer.from(message.data), Buffer.from(order('536365', 8).toBytes()));
  assert.equal(message.headers?.get('aep-type-id'), String(NewOrderMessage.$type.typeId));
  assert.equal(message.headers?.get('aep-sno'), '1');
  message.ack();
  await until(() => taker.taken.length === 1, 'the app has its own message, too');
  await client.close();
  await taker.engine.stop();
});

test('a message without a type on a channel without defaultType is a dead letter, not a crash', async (context) => {
  const broker = await sharedBroker(context);
  if (broker === undefined) return;
  const use = { ...busUse('untyped', broker.port), channels: [{ name: 'orders', join: true }] };
  const taker = new OrderTaker({ buses: [use] });
  await taker.engine.start();
  const client = await connect({ servers: `127.0.0.1:${broker.port}` });
  await jetstream(client).publish('untyped.orders', order('plain', 1).toBytes());
  await until(() => taker.engine.deadLetters.list().length === 1, 'it is a dead letter');
  const [letter] = taker.engine.deadLetters.list();
  assert.match(JSON.stringify(letter), /type/);
  await client.close();
  await taker.engine.stop();
});
