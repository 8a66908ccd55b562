import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import { roster } from '@aep/bus/contract';
import { activeMqBroker, type ActiveMqBrokerOptions, BrokerProcess, didNotRun, PlainStompClient } from '@aep/brokers';
import { ActiveMqWorld } from './activemq-world.js';
import { hasCode } from './codes.js';

const ENTRIES = roster(['b', 'orders']);

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

function sharedBroker(context: TestContext): Promise<BrokerProcess | undefined> {
  return (shared ??= brokerFor(context));
}

describe('a plain STOMP client and this bus', { concurrency: false }, () => {
  test('a plain client gets the bytes as they are, with the headers that are documented', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    const world = new ActiveMqWorld({ port: broker.port });
    const topic = `VirtualTopic.${world.busName}.orders`;
    const plain = await PlainStompClient.connect(broker.port);
    await plain.ask('SUBSCRIBE', { id: '1', destination: `/queue/Consumer.plain.${topic}`, ack: 'auto' });
    await plain.ask('SUBSCRIBE', { id: '2', destination: `/topic/${topic}`, ack: 'auto' });
    const a = await world.makeApp({ app: 'a', roster: ENTRIES }).open();
    const outbound = a.makeOutbound('orders', 'N/US', '\u0008\u0001 plain protobuf \0 is bytes');
    outbound.metadata.factoryId = 21;
    outbound.metadata.typeId = 3;
    outbound.metadata.traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    a.sendOutbound(outbound);
    assert.ok(await plain.until(() => plain.messages().length === 2), 'from its queue and from the topic');
    for (const { body, headers } of plain.messages()) {
      assert.equal(body.toString(), '\u0008\u0001 plain protobuf \0 is bytes');
      const names = ['aep_key', 'aep-metadata', 'persistent'];
      assert.deepEqual(
        names.map((name) => headers.get(name)),
        ['N/US', `21 3 97 ${outbound.metadata.incarnation} 0 1 0 0`, 'true'],
      );
      assert.equal(headers.get('traceparent'), '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
    }
    plain.close();
    await a.close();
  });

  test('an app gets what a plain client sends: with a key, and without any header of ours', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    const world = new ActiveMqWorld({ port: broker.port });
    const entries = roster(['b', 'orders', 'N/US', 'N/EMEA/*']);
    const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    const all = await world.makeApp({ app: 'c', roster: entries }).openAndJoin('orders');
    const plain = await PlainStompClient.connect(broker.port);
    const destination = `/topic/VirtualTopic.${world.busName}.orders`;
    const send = (body: string, headers: Record<string, string>) =>
      plain.ask('SEND', { destination, persistent: 'true', 'content-length': String(body.length), ...headers }, body);
    await send('1', { aep_key: 'N/US' });
    await send('2', { aep_key: 'N/EMEA' });
    await send('3', { aep_key: 'N/EMEA/x' });
    await send('4', {});
    // Twice the same number: the bus gives both, and the engine knows a number that it has seen.
    await send('5', { aep_key: 'N/US', 'aep-sno': '7', 'aep-metadata': '5' });
    await send('5', { aep_key: 'N/US', 'aep-sno': '7', 'aep-sender-id': '5' });
    await world.until(() => all.received.length === 6 && b.received.length === 4, 'all has come');
    assert.deepEqual(b.texts(), ['1', '3', '5', '5']);
    assert.deepEqual(all.texts(), ['1', '2', '3', '4', '5', '5']);
    assert.deepEqual(
      [b.received[0], b.received[3]].map((one) => [one!.key, one!.sno, one!.senderId]),
      [
        ['N/US', 0, 0],
        ['N/US', 7, 5],
      ],
    );
    plain.close();
    await Promise.all([b.close(), all.close(false)]);
  });

  test('wildcards of the broker reach BestEffort channels with their keys in the destination, and selectors those without', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    for (const keys of ['destination', 'header']) {
      const world = new ActiveMqWorld({ port: broker.port, channelProperties: { ticks: { keys } } });
      const b = await world.makeApp({ app: 'b', roster: [] }).open();
      await b.join('ticks', ['N/US/*', 'N/EMEA/**', "O'Hara/5%_\\*", 'N/*/1']);
      const a = await world.makeApp({ app: 'a', roster: [] }).open();
      const plain = await PlainStompClient.connect(broker.port);
      await plain.ask('SUBSCRIBE', { id: '1', destination: `/topic/${world.busName}.ticks.N.*.1`, ack: 'auto' });
      const taken = ['N/US/1', 'N/US/x', 'N/EMEA/1/2', 'N/EMEA', "O'Hara/5%_\\x", 'N/CA/1'];
      const others = ['N/US', 'N/US/1/2', 'N/CA/2', "O'Hara/5", 'O', 'N/USA/2', ''];
      for (const key of [...taken, ...others]) a.sendAll('ticks', key, [key]);
      await world.until(() => b.received.length >= taken.length, 'all has come');
      await world.pass(200);
      assert.deepEqual(b.texts(), taken, keys);
      if (keys === 'destination') {
        assert.deepEqual(
          plain.messages().map(({ body }) => body.toString()),
          ['N/US/1', 'N/CA/1'],
        );
        plain.send('SEND', { destination: `/topic/${world.busName}.ticks.N.US.plain` }, 'from elsewhere');
        await world.until(() => b.received.length === taken.length + 1, 'what a plain client sends has its key');
        assert.equal(b.received.at(-1)!.key, 'N/US/plain');
      }
      plain.close();
      await Promise.all([a.close(), b.close()]);
    }
  });

  test('a queue has what was sent before anybody joined, and a plain client can be its other end', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    const name = `orders.${process.pid}`;
    const world = new ActiveMqWorld({
      port: broker.port,
      channelProperties: { orders: { destination: `/queue/${name}` } },
    });
    const plain = await PlainStompClient.connect(broker.port);
    await plain.ask('SEND', { destination: `/queue/${name}`, persistent: 'true' }, 'early');
    const b = await world.makeApp({ app: 'b', roster: ENTRIES }).openAndJoin('orders');
    await world.until(() => b.received.length === 1, 'it has come');
    await world.pass(100); // acknowledged
    await b.close();
    const a = await world.makeApp({ app: 'a', roster: [] }).open();
    a.sendAll('orders', 'k', ['late']);
    await plain.ask('SUBSCRIBE', { id: '1', destination: `/queue/${name}`, ack: 'auto' });
    assert.ok(await plain.until(() => plain.messages().length === 1));
    assert.equal(plain.messages()[0]!.body.toString(), 'late');
    plain.close();
    await a.close();
  });

  test('why a channel is one destination: a durable subscription with a wildcard mixes up the order over its topics', async (context) => {
    const broker = await sharedBroker(context);
    if (broker === undefined) return;
    const subscriber = await PlainStompClient.connect(broker.port, { 'client-id': 'wild' });
    const wild = { id: '1', destination: '/topic/mixed.*', ack: 'client-individual' };
    await subscriber.ask('SUBSCRIBE', { ...wild, 'activemq.subscriptionName': 'wild', 'activemq.prefetchSize': '2' });
    const sender = await PlainStompClient.connect(broker.port);
    for (let number = 0; number < 20; number++) {
      const destination = `/topic/mixed.${number < 10 ? 'A' : 'B'}`;
      await sender.ask('SEND', { destination, persistent: 'true' }, String(number));
    }
    for (let taken = 0; taken < 20; taken++) {
      await subscriber.until(() => subscriber.messages().length > taken);
      subscriber.send('ACK', { id: subscriber.messages()[taken]!.headers.get('ack')! });
    }
    const numbers = subscriber.messages().map(({ body }) => Number(body.toString()));
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, number) => number),
    );
    assert.notDeepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
      'if it keeps the order one day, keys can go into destinations',
    );
    sender.close();
    subscriber.close();
  });
});

test('TLS: the certificate is checked, and everything else is as without it', async (context) => {
  const kind = activeMqBroker();
  if (didNotRun(context, kind)) return;
  const password = 'changeit';
  let caFile = '';
  const keyStore = ({ folder }: { readonly folder: string }): { file: string; password: string } => {
    const file = join(folder, 'broker.p12');
    caFile = join(folder, 'broker.pem');
    const common = ['-keystore', file, '-storepass', password, '-alias', 'broker'];
    const names = ['-dname', 'CN=localhost', '-ext', 'san=dns:localhost,ip:127.0.0.1'];
    execFileSync('keytool', ['-genkeypair', '-keyalg', 'EC', '-storetype', 'PKCS12', ...names, ...common], {
      stdio: 'pipe',
    });
    execFileSync('keytool', ['-exportcert', '-rfc', '-file', caFile, ...common], { stdio: 'pipe' });
    return { file, password };
  };
  const broker = (await brokerFor(context, { keyStore }))!;
  const port = broker.place.ports[1]!;
  const trusting = new ActiveMqWorld({ port, properties: { tls: 'true', caFile } });
  const b = await trusting.makeApp({ app: 'b', roster: ENTRIES }).openAndJoin('orders');
  b.sendAll('orders', 'k', ['over TLS']);
  await trusting.until(() => b.received.length === 1 && b.confirmed.length === 1, 'it has come');
  await b.close();
  const strict = new ActiveMqWorld({ port, properties: { tls: 'true' } });
  await assert.rejects(strict.makeApp({ app: 'a', roster: ENTRIES }).open(), hasCode('AEP_NET_HANDSHAKE_FAILED'));
  const misled = new ActiveMqWorld({ port, properties: { tls: 'true', caFile, serverName: 'other.example' } });
  await assert.rejects(misled.makeApp({ app: 'a', roster: ENTRIES }).open(), hasCode('AEP_NET_HANDSHAKE_FAILED'));
  const plain = new ActiveMqWorld({ port, properties: { connectMs: '2000' } });
  await assert.rejects(plain.makeApp({ app: 'a', roster: ENTRIES }).open());
});
