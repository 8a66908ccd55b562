import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { BrokerProcess, didNotRun, FaultProxy, natsServer, type NatsServerOptions } from '@aep/brokers';
import { roster, type TestApp } from '@aep/bus/contract';
import { AepError, describeError } from '@aep/kernel';
import { makeCertificates, missingOpenssl } from './certificates.js';
import { makeOperator } from './operator.js';
import { NatsWorld, type NatsWorldOptions } from './nats-world.js';

const folder = mkdtempSync(join(tmpdir(), 'aep-nats-access-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = 'correct-horse-battery';
const entries = roster(['b', 'orders']);

/** A test with a server of its own configuration. */
async function withServer(
  context: TestContext,
  server: NatsServerOptions,
  body: (broker: BrokerProcess) => Promise<void>,
): Promise<void> {
  const kind = natsServer(server);
  if (didNotRun(context, kind)) return;
  const broker = await (await BrokerProcess.create(kind)).start();
  try {
    await body(broker);
  } finally {
    await broker.dispose();
  }
}

/** A message goes through the bus. */
async function works(broker: BrokerProcess, options: NatsWorldOptions): Promise<NatsWorld> {
  const world = new NatsWorld(broker, options);
  const a = await world.app({ app: 'a', roster: entries }).open();
  const b = await world.app({ app: 'b', roster: entries }).openAndJoin('orders');
  a.sendAll('orders', 'k', ['m1']);
  await world.until(() => a.confirmed.length === 1 && b.received.length === 1, 'the message has arrived');
  await world.dispose();
  return world;
}

/** The bus does not open; what it says, with everything that was logged. */
async function refused(broker: BrokerProcess, options: NatsWorldOptions): Promise<{ error: AepError; said: string }> {
  const world = new NatsWorld(broker, options);
  const error = await openError(world.app({ app: 'a', roster: entries }));
  await world.dispose();
  return { error, said: `${describeError(error)} ${JSON.stringify(error)} ${String(error.stack)} ${world.logText}` };
}

async function openError(app: TestApp): Promise<AepError> {
  const error: unknown = await app.open().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AepError, 'it must not open');
  return error;
}

test('user and password from the model or from the environment let in, and are never printed', (context) =>
  withServer(context, { configuration: `authorization { user: aep, password: "${SECRET}" }` }, async (broker) => {
    const byModel = await works(broker, { properties: { user: 'aep', password: SECRET } });
    const byVariable = await works(broker, {
      properties: { user: 'aep', passwordEnv: 'NATS_PASSWORD' },
      variables: { NATS_PASSWORD: SECRET },
    });
    assert.ok(!`${byModel.logText}${byVariable.logText}`.includes(SECRET));
  }));

test('wrong credentials are a clear error at once: no second attempt, and no secret in it', (context) =>
  withServer(context, { configuration: `authorization { user: aep, password: "${SECRET}" }` }, async (broker) => {
    const proxy = await FaultProxy.listen(broker.port);
    const wrong = `${SECRET}-not`;
    const { error, said } = await refused(broker, {
      port: proxy.port,
      properties: { user: 'aep', password: wrong },
    });
    assert.equal(error.code, 'AEP_NATS_CREDENTIALS');
    assert.equal(error.advice, 'reject', 'so the engine does not try again (E91)');
    assert.match(error.message, /does not let us in with a user and password/);
    assert.ok(!said.includes(wrong) && !said.includes(SECRET));
    assert.equal(proxy.accepted, 1);
    const none = await refused(broker, { port: proxy.port });
    assert.match(none.error.message, /with no credentials/);
    await proxy.dispose();
  }));

test('credentials that are withdrawn while the bus is open fail the binding instead of a storm of attempts', async (context) => {
  let password = SECRET;
  const configuration = (): string => `authorization { user: aep, password: "${password}" }`;
  await withServer(context, { configuration }, async (broker) => {
    const proxy = await FaultProxy.listen(broker.port);
    const world = new NatsWorld(broker, { port: proxy.port, properties: { user: 'aep', password: SECRET } });
    const a = await world.app({ app: 'a', roster: entries }).open();
    password = 'another';
    await broker.restart();
    await world.until(() => a.failures.length === 1, 'it has failed');
    assert.equal(a.failures[0]?.code, 'AEP_NATS_CREDENTIALS');
    const { accepted } = proxy;
    await world.pass(500);
    assert.equal(proxy.accepted, accepted, 'no attempt after the refusal');
    await world.dispose();
    await proxy.dispose();
  });
});

test('a token lets in', (context) =>
  withServer(context, { configuration: `authorization { token: "${SECRET}" }` }, async (broker) => {
    await works(broker, { properties: { tokenEnv: 'T' }, variables: { T: SECRET } });
    const { error, said } = await refused(broker, { properties: { token: 'wrong-token' } });
    assert.equal(error.code, 'AEP_NATS_CREDENTIALS');
    assert.ok(!said.includes('wrong-token'));
  }));

test('a credentials file with a JWT and a seed lets in', async (context) => {
  const { configuration, creds } = makeOperator();
  const credsFile = join(folder, 'app.creds');
  writeFileSync(credsFile, creds);
  await withServer(context, { configuration }, async (broker) => {
    await works(broker, { properties: { credsFile } });
    const { error } = await refused(broker, { properties: { credsFile: join(folder, 'none.creds') } });
    assert.equal(error.code, 'AEP_NATS_CREDENTIALS');
    assert.match(error.message, /none\.creds/);
  });
});

test('a user without a right is told which one', (context) => {
  const configuration = `authorization { users: [
    { user: aep, password: p, permissions: { publish: ["$JS.API.>", "_INBOX.>"], subscribe: ["_INBOX.>"] } }
  ] }`;
  return withServer(context, { configuration }, async (broker) => {
    const world = new NatsWorld(broker, { properties: { user: 'aep', password: 'p' } });
    const a = await world.app({ app: 'a', roster: entries }).open();
    a.sendAll('orders', 'k', ['m1']);
    await world.until(() => a.failures.length === 1, 'it has failed');
    assert.equal(a.failures[0]?.code, 'AEP_NATS_PERMISSION');
    assert.match(a.failures[0].message, new RegExp(`publish to ${world.subjectOf('orders')}`));
    await world.dispose();
  });
});

test('TLS: a server whose authority is trusted is talked to, also with a certificate of the client; any other is refused', async (context) => {
  const missing = missingOpenssl();
  if (missing !== undefined) return void didNotRun(context, { ...natsServer(), missing: () => missing });
  const { caFile, certFile, keyFile } = makeCertificates(folder);
  const tls = `tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${caFile}", verify: true }`;
  const own = { tlsCertFile: certFile, tlsKeyFile: keyFile };
  await withServer(context, { configuration: tls }, async (broker) => {
    await works(broker, { properties: { tlsCaFile: caFile, ...own } });
    const untrusted = await refused(broker, { properties: { tls: 'true', ...own } });
    assert.equal(untrusted.error.code, 'AEP_NATS_TLS');
    assert.equal(untrusted.error.advice, 'reject');
    const anonymous = await refused(broker, { properties: { tlsCaFile: caFile } });
    assert.match(anonymous.error.code, /AEP_NATS_(?:TLS|UNREACHABLE|LOST)/, 'the server wants a certificate');
  });
});

test('TLS: a certificate for another name is refused, and so is a server without TLS when TLS is asked for', async (context) => {
  const missing = missingOpenssl();
  if (missing !== undefined) return void didNotRun(context, { ...natsServer(), missing: () => missing });
  const other = mkdtempSync(join(folder, 'other-'));
  const { caFile, certFile, keyFile } = makeCertificates(other, 'DNS:broker.example');
  await withServer(
    context,
    { configuration: `tls { cert_file: "${certFile}", key_file: "${keyFile}" }` },
    async (broker) => {
      const { error } = await refused(broker, { properties: { tlsCaFile: caFile } });
      assert.equal(error.code, 'AEP_NATS_TLS');
    },
  );
  await withServer(context, {}, async (broker) => {
    const { error } = await refused(broker, { properties: { tls: 'true' } });
    assert.equal(error.code, 'AEP_NATS_TLS', error.message);
  });
});

test('a server without JetStream, a stream for other subjects, a foreign consumer and a reservation that is too large are refused with what to do', async (context) => {
  await withServer(context, { jetstream: 'max_file_store: 100MB' }, async (broker) => {
    const world = new NatsWorld(broker);
    const stranger = await world.stranger();
    const make = (name: string, config: object): Promise<unknown> =>
      stranger.request(`$JS.API.${name}`, JSON.stringify(config));
    const large = await openError(world.app({ app: 'a', roster: entries }));
    assert.equal(large.code, 'AEP_NATS_OUT_OF_RESOURCES');
    assert.match(large.message, /insufficient storage/);
    const small = new NatsWorld(broker, { properties: { streamBytesMax: '1000000' } });
    await make(`STREAM.CREATE.${small.streamOf('orders')}`, { name: small.streamOf('orders'), subjects: ['else'] });
    const unfit = await openError(small.app({ app: 'a', roster: entries }));
    assert.equal(unfit.code, 'AEP_NATS_STREAM_UNFIT');
    assert.match(
      unfit.message,
      new RegExp(`does not take ${small.subjectOf('orders')}, ${small.subjectOf('orders')}\\.>`),
    );
    const taken = new NatsWorld(broker, { properties: { streamBytesMax: '1000000' } });
    await make('STREAM.CREATE.thief', { name: 'thief', subjects: [`${taken.subjectOf('orders')}.>`] });
    const overlap = await openError(taken.app({ app: 'a', roster: entries }));
    assert.equal(overlap.code, 'AEP_NATS_REFUSED');
    assert.match(overlap.message, /overlap/);
    const lossy = new NatsWorld(broker, { properties: { streamBytesMax: '1000000' } });
    await (await lossy.app({ app: 'a', roster: roster() }).open()).close();
    const config = { durable_name: 'b', ack_policy: 'explicit', max_deliver: 3 };
    const stream_name = lossy.streamOf('orders');
    await make(`CONSUMER.DURABLE.CREATE.${stream_name}.b`, { stream_name, config });
    const forgets = await openError(lossy.app({ app: 'b', roster: entries }));
    assert.match(forgets.message, /gives up after 3 deliveries/);
    await stranger.close();
  });
  await withServer(context, { withoutJetStream: true }, async (broker) => {
    const { error } = await refused(broker, {});
    assert.equal(error.code, 'AEP_NATS_NO_JETSTREAM');
    assert.match(error.message, /--jetstream/);
  });
});

test('nobody at the address is an error that may be tried again', async (context) => {
  if (didNotRun(context, natsServer())) return;
  const broker = await BrokerProcess.create(natsServer());
  const { error } = await refused(broker, {});
  assert.equal(error.code, 'AEP_NATS_UNREACHABLE');
  assert.equal(error.advice, 'retry');
  await broker.dispose();
});

test('a server that takes connections and says nothing is given up after connectTimeoutMs', async (context) => {
  await withServer(context, {}, async (broker) => {
    const proxy = await FaultProxy.listen(broker.port);
    proxy.stall();
    const { error } = await refused(broker, { port: proxy.port, properties: { connectTimeoutMs: '200' } });
    assert.equal(error.code, 'AEP_NATS_UNREACHABLE');
    await proxy.dispose();
  });
});
