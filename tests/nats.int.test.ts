import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { after, describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BrokerProcess, didNotRun, natsServer } from '@aep/brokers';
import { type BusDescription, LoopbackProvider } from '@aep/bus';
import { NatsProvider } from '@aep/bus-nats';
import { type BusUse, createEngine, defineApp, type Engine, type EngineOptions } from '@aep/engine';
import { NewOrderMessage, OrdersFactory } from '@aep/example-orders';
import { AepError, silentLog, SystemClock } from '@aep/kernel';
import { MemoryStore } from '@aep/store';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';

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

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let rounds = 0; !condition() && rounds < 3000; rounds++) await delay(10);
  assert.ok(condition(), `waited in vain until ${what}`);
}

function order(invoiceNo: string, line: number): NewOrderMessage {
  const message = NewOrderMessage.create();
  message.invoiceNo = invoiceNo;
  message.line = line;
  return message;
}

function busUse(name: string, port: number, more: Partial<BusUse> = {}): BusUse {
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
    ...more,
  };
}

/** An engine that writes down the orders that it is given. */
class Taker {
  readonly taken: string[] = [];
  readonly engine: Engine;

  constructor(options: Partial<EngineOptions>) {
    const app = defineApp({ name: 'taker', factories: [OrdersFactory] }).on(NewOrderMessage, (message) => {
      this.taken.push(`${message.invoiceNo} ${message.line}`);
    });
    const store = new MemoryStore({ engineName: 'taker', clock: new SystemClock() });
    this.engine = createEngine({ app, store: () => store, log: silentLog, ...options });
  }
}

describe('a NATS server that is down at the start (E91)', () => {
  const nobody = async (context: TestContext): Promise<BrokerProcess | undefined> => {
    const kind = natsServer();
    if (didNotRun(context, kind)) return undefined;
    const broker = await BrokerProcess.create(kind);
    context.after(() => broker.dispose());
    return broker;
  };

  test('fails the start under FailIfOneBindingFails, and under FailIfAllBindingsFail when it is the only bus', async (context) => {
    const broker = await nobody(context);
    if (broker === undefined) return;
    for (const messagingStartFail of ['FailIfOneBindingFails', 'FailIfAllBindingsFail'] as const) {
      const { engine } = new Taker({ buses: [busUse('down', broker.port)], policies: { messagingStartFail } });
      await assert.rejects(engine.start(), (error: unknown) => {
        assert.ok(error instanceof AepError);
        assert.match(JSON.stringify(error), /AEP_MESSAGING_FAILED.*AEP_NATS_UNREACHABLE/);
        return true;
      });
    }
  });

  test('does not fail it under FailIfAllBindingsFail while another bus opens', async (context) => {
    const broker = await nobody(context);
    if (broker === undefined) return;
    const other = busUse('other', 0, { provider: new LoopbackProvider() });
    const policies = { messagingStartFail: 'FailIfAllBindingsFail' } as const;
    const { engine } = new Taker({ buses: [busUse('down', broker.port), other], policies });
    await engine.start();
    assert.equal(engine.messagingState, 'started');
    await engine.stop();
  });

  test('is waited for under NeverFail: sends are journaled, and arrive once it is there', async (context) => {
    const broker = await nobody(context);
    if (broker === undefined) return;
    const taker = new Taker({ buses: [busUse('late', broker.port)], policies: { messagingStartFail: 'NeverFail' } });
    await taker.engine.start();
    for (let line = 1; line <= 10; line++) await taker.engine.senderFor().sendMessage('orders', order('late', line));
    await broker.start();
    await until(() => taker.taken.length === 10, 'all has come');
    assert.deepEqual(
      taker.taken,
      Array.from({ length: 10 }, (_, index) => `late ${index + 1}`),
    );
    await taker.engine.stop();
  });
});

test('a plain client sends to an app: without a type it has that of the channel, and its key is in its subject', async (context) => {
  const broker = await sharedBroker(context);
  if (broker === undefined) return;
  const taker = new Taker({ buses: [busUse('foreign', broker.port)] });
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
  const taker = new Taker({ buses: [busUse('socket', broker.port)] });
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
  const taker = new Taker({ buses: [busUse('outward', broker.port)] });
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
  const use = busUse('untyped', broker.port, { channels: [{ name: 'orders', join: true }] });
  const taker = new Taker({ buses: [use] });
  await taker.engine.start();
  const client = await connect({ servers: `127.0.0.1:${broker.port}` });
  await jetstream(client).publish('untyped.orders', order('plain', 1).toBytes());
  await until(() => taker.engine.deadLetters.list().length === 1, 'it is a dead letter');
  const [letter] = taker.engine.deadLetters.list();
  assert.match(JSON.stringify(letter), /type/);
  await client.close();
  await taker.engine.stop();
});
