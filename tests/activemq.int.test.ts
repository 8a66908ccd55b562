import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { activeMqBroker, BrokerProcess, didNotRun, PlainStompClient } from '@aep/brokers';
import type { BusDescription } from '@aep/bus';
import { ActiveMqProvider } from '@aep/bus-activemq';
import { type BusUse, defineApp } from '@aep/engine';
import { NewOrderMessage, OrdersFactory } from '@aep/example-orders';
import { startXvm } from '@aep/host';
import { silentLog } from '@aep/kernel';
import { order, OrderTaker, until } from './src/harness/order-taker.js';
import { ROOT } from './src/harness/paths.js';
import { testStartPolicies } from './src/harness/start-policies.js';

const GUIDE_SAMPLE = join(ROOT, 'packages', 'model', 'test', 'fixtures', 'guide-sample.xml');

let shared: Promise<BrokerProcess | undefined> | undefined;
after(async () => (await shared)?.dispose());

function sharedBroker(context: TestContext): Promise<BrokerProcess | undefined> {
  const kind = activeMqBroker();
  if (didNotRun(context, kind)) return Promise.resolve(undefined);
  return (shared ??= BrokerProcess.create(kind).then((broker) => broker.start()));
}

function busUse(name: string, port: number): BusUse {
  const channels = [{ name: 'orders', id: 1, qos: 'Guaranteed', properties: {} }] as const;
  const roster = [{ app: 'taker', channel: 'orders', patterns: ['**'] }];
  const description: BusDescription = {
    name,
    provider: 'activemq',
    address: '127.0.0.1',
    port,
    properties: {},
    channels,
    roster,
  };
  return {
    description,
    provider: new ActiveMqProvider(),
    channels: [{ name: 'orders', join: true, defaultType: 'orders.NewOrderMessage' }],
  };
}

test("the deployment guide's own sample starts against ActiveMQ, and its filter takes what its key says (M7)", async (context) => {
  const broker = await sharedBroker(context);
  if (broker === undefined) return;
  const dataDir = mkdtempSync(join(tmpdir(), 'aep-sample-'));
  context.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const taken: string[] = [];
  const sampleApp = defineApp({ name: 'sample-app', factories: [OrdersFactory] }).on(NewOrderMessage, (message) => {
    taken.push(message.invoiceNo);
  });
  const xvm = await startXvm({
    model: { text: readFileSync(GUIDE_SAMPLE, 'utf8'), file: GUIDE_SAMPLE },
    // The sample has the port of OpenWire, and this broker speaks STOMP at another one.
    overrides: { 'x.buses.sample-bus.port': String(broker.port) },
    resolveExport: (reference) => (reference === 'com.sample.SampleApp' ? sampleApp : OrdersFactory),
    environment: {},
    dataDir,
    log: silentLog,
  });
  const plain = await PlainStompClient.connect(broker.port);
  const destination = '/topic/VirtualTopic.sample-bus.new-orders-channel';
  const type = { 'aep-factory-id': '1', 'aep-type-id': '10' };
  for (const key of ['NEWORDERS/US/Sales', 'NEWORDERS/Mexico/Sales', 'NEWORDERS/Canada/Support']) {
    const body = order(key, 1).toBytes();
    const headers = { destination, persistent: 'true', 'content-length': String(body.length), aep_key: key, ...type };
    await plain.ask('SEND', headers, body);
  }
  await until(() => taken.length === 2, 'both have come');
  await xvm.engine('sample-app').whenIdle();
  assert.deepEqual(taken, ['NEWORDERS/US/Sales', 'NEWORDERS/Canada/Support']);
  plain.close();
  await xvm.stop();
});

testStartPolicies({ kind: activeMqBroker, bus: busUse, code: 'AEP_NET_CONNECT_FAILED' });

test('what other programs send: without a type it has that of the channel, a number twice counts once, and one that was overtaken not at all', async (context) => {
  const broker = await sharedBroker(context);
  if (broker === undefined) return;
  const taker = new OrderTaker({ buses: [busUse('foreign', broker.port)] });
  await taker.engine.start();
  const plain = await PlainStompClient.connect(broker.port);
  const send = async (line: number, headers: Record<string, string>): Promise<void> => {
    const body = order('plain', line).toBytes();
    const destination = '/topic/VirtualTopic.foreign.orders';
    await plain.ask(
      'SEND',
      { destination, persistent: 'true', 'content-length': String(body.length), ...headers },
      body,
    );
  };
  await send(1, {});
  await send(2, {});
  for (const [line, sno] of [
    [3, 1],
    [3, 1],
    [5, 3],
    [4, 2],
    [6, 4],
  ] as const)
    await send(line, { 'aep-sno': String(sno), 'aep-sender-id': '9', 'aep-incarnation': '1' });
  await until(() => taker.taken.at(-1) === 'plain 6', 'the last has come');
  assert.deepEqual(taker.taken, ['plain 1', 'plain 2', 'plain 3', 'plain 5', 'plain 6']);
  plain.close();
  await taker.engine.stop();
});
