import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { startXvm, type Xvm } from '@aep/host';
import { buildAdmin, checkAddress, Exposition } from '@aep/host/internal';
import { AepError, silentLog } from '@aep/kernel';
import type { FastifyInstance } from 'fastify';
import { idle, sale, shopModel, temporaryDir, testDir, tillTotal } from './shop.js';

const TOKEN = 'a-token-of-24-characters';

async function shop(
  context: TestContext,
  xvm = '',
  token: string | null = null,
  till = '',
): Promise<{ xvm: Xvm; admin: FastifyInstance }> {
  const running: Xvm[] = [];
  // Before the directory is removed, which is asked for after this.
  context.after(async () => await Promise.all(running.map((one) => one.stop())));
  const dataDir = temporaryDir(context);
  const started = await startXvm({ model: shopModel({ xvm, till }), modelDir: testDir, dataDir, log: silentLog });
  running.push(started);
  return { xvm: started, admin: buildAdmin(started, { address: '127.0.0.1', port: 0, token }) };
}

type Method = 'GET' | 'POST' | 'DELETE';

async function call(
  admin: FastifyInstance,
  method: Method,
  url: string,
  extra: { body?: unknown; headers?: Record<string, string> } = {},
) {
  const { body, headers = {} } = extra;
  const reply = await admin.inject({
    method,
    url,
    headers: { host: 'localhost:8080', ...headers },
    ...(body === undefined ? {} : { payload: body as object }),
  });
  const isJson = String(reply.headers['content-type']).includes('json');
  return {
    status: reply.statusCode,
    text: reply.body,
    json: isJson ? (JSON.parse(reply.body) as Record<string, never>) : undefined,
    headers: reply.headers,
  };
}

const codeOf = (reply: { json: Record<string, unknown> | undefined }): unknown => reply.json?.['code'];

test('status, readiness, metrics and configuration tell about every app', async (context) => {
  const { xvm, admin } = await shop(context, '<admin><token>never-to-be-shown-anywhere</token></admin>');
  await xvm.engine('till').inject(sale('tea', 1));
  await idle(xvm);
  assert.deepEqual((await call(admin, 'GET', '/health/live')).json, { status: 'live' });
  assert.deepEqual((await call(admin, 'GET', '/health/ready')).json, { status: 'ready', waitsFor: [] });
  const status = (await call(admin, 'GET', '/status')).json as unknown as ReturnType<Xvm['status']>;
  assert.deepEqual(
    status.apps.map(({ name, state, role }) => `${name} ${state} ${role}`),
    ['till started primary', 'board started primary'],
  );
  const metrics = await call(admin, 'GET', '/metrics');
  assert.match(String(metrics.headers['content-type']), /version=0\.0\.4/);
  assert.match(metrics.text, /^aep_engine_handled_total\{engine="till"\} 1$/m);
  assert.match(metrics.text, /^aep_channel_sent_total\{engine="till",channel="totals@shop"\} 1$/m);
  assert.match(metrics.text, /^aep_latency_handler_seconds\{engine="till",quantile="0\.99"\} [\d.e-]+$/m);
  assert.match(metrics.text, /^aep_latency_handler_seconds_count\{engine="till"\} 1$/m);
  assert.equal(
    (metrics.text.match(/^# TYPE aep_engine_in_flight gauge$/gm) ?? []).length,
    1,
    'a family is declared once',
  );
  const config = await call(admin, 'GET', '/config');
  assert.match(config.text, /"setting":"x\.apps\.till\.limits\.timersMax","value":"100000","origin":"default"/);
  assert.doesNotMatch(config.text, /never-to-be-shown/);
});

test('commands are listed, checked and run as transactions', async (context) => {
  const { xvm, admin } = await shop(context);
  await xvm.engine('till').inject(sale('tea', 2));
  const listed = await call(admin, 'GET', '/apps/till/commands');
  assert.match(
    listed.text,
    /"name":"total","description":"Total of one item","options":\{"item":\{"type":"string","required":true\}\}/,
  );
  const run = (body: unknown, name = 'total', app = 'till') =>
    call(admin, 'POST', `/apps/${app}/commands/${name}`, { body });
  assert.deepEqual((await run({ args: { item: 'tea' } })).json, { result: 5 });
  const cases: [unknown, string, string, number, string][] = [
    [{ args: {} }, 'total', 'till', 400, 'AEP_COMMAND_ARGUMENTS'],
    [{ args: {} }, 'totl', 'till', 404, 'AEP_COMMAND_UNKNOWN'],
    [{}, 'total', 'tills', 404, 'AEP_APP_UNKNOWN'],
    [{ arguments: {} }, 'total', 'till', 400, 'AEP_ADMIN_REQUEST_INVALID'],
    [{ args: { item: { deep: 1 } } }, 'total', 'till', 400, 'AEP_ADMIN_REQUEST_INVALID'],
    [{}, 'fail', 'till', 422, 'AEP_HANDLER_FAILED'],
  ];
  for (const [body, name, app, status, code] of cases) {
    const reply = await run(body, name, app);
    assert.deepEqual([reply.status, codeOf(reply)], [status, code]);
    assert.deepEqual(Object.keys(reply.json!), ['code', 'message', 'advice', 'facts']);
  }
});

test('dead letters are listed, shown decoded, edited and replayed, and discarded', async (context) => {
  const { xvm, admin } = await shop(context);
  const till = xvm.engine('till');
  for (let amount = 1; amount <= 3; amount++) await till.inject(sale('poison', amount)).catch(() => {});
  await waitFor(() => till.deadLetters.list().length === 3);
  const { deadLetters } = (await call(admin, 'GET', '/apps/till/dead-letters?type=shop.Sale')).json as unknown as {
    deadLetters: { id: number; byteCount: number }[];
  };
  assert.equal(deadLetters.length, 3);
  assert.ok(deadLetters.every((letter) => letter.byteCount > 0 && !('bytes' in letter)));
  const [first, second, third] = deadLetters.map(({ id }) => id);
  const shown = await call(admin, 'GET', `/apps/till/dead-letters/${first}`);
  assert.match(shown.text, /"message":\{"item":"poison","amount":1,"region":"EU"\}/);
  const edited = await call(admin, 'POST', `/apps/till/dead-letters/${first}/replay`, {
    body: { message: { item: 'tea', amount: 1, region: 'EU' } },
  });
  assert.deepEqual(edited.json, { replayed: first });
  assert.deepEqual((await call(admin, 'POST', '/apps/till/commands/total', { body: { args: { item: 'tea' } } })).json, {
    result: 3,
  });
  assert.deepEqual((await call(admin, 'DELETE', `/apps/till/dead-letters/${second}`)).json, { discarded: second });
  await waitFor(() => till.deadLetters.list().length === 1);
  const dry = await call(admin, 'POST', '/apps/till/dead-letters/discard', { body: { all: true, dryRun: true } });
  assert.deepEqual(dry.json, { matched: [third], done: [], failed: [] });
  assert.equal(
    codeOf(await call(admin, 'POST', '/apps/till/dead-letters/discard', { body: {} })),
    'AEP_ADMIN_REQUEST_INVALID',
  );
  const discarded = await call(admin, 'POST', '/apps/till/dead-letters/discard', { body: { ids: [third] } });
  assert.deepEqual(discarded.json, { matched: [third], done: [third], failed: [] });
  const gone = await call(admin, 'GET', '/apps/till/dead-letters/999999');
  assert.deepEqual([gone.status, codeOf(gone)], [404, 'AEP_DEAD_LETTER_UNKNOWN']);
  assert.deepEqual((await call(admin, 'GET', '/apps/till/timers')).json, { timers: [] });
});

test('who has no token, another Host or another Origin is refused; health needs no token', async (context) => {
  const { admin } = await shop(context, '', TOKEN);
  const status = (headers: Record<string, string>) => call(admin, 'GET', '/status', { headers });
  const bearer = { authorization: `Bearer ${TOKEN}` };
  assert.equal((await status(bearer)).status, 200);
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: TOKEN }]) {
    const refused = await status(headers as Record<string, string>);
    assert.deepEqual(
      [refused.status, codeOf(refused), refused.headers['www-authenticate']],
      [401, 'AEP_ADMIN_UNAUTHORIZED', 'Bearer'],
    );
  }
  assert.equal(codeOf(await status({ ...bearer, host: 'evil.example' })), 'AEP_ADMIN_HOST_REFUSED');
  assert.equal(codeOf(await status({ ...bearer, origin: 'https://evil.example' })), 'AEP_ADMIN_ORIGIN_REFUSED');
  assert.equal((await status({ ...bearer, host: '[::1]:80' })).status, 200);
  assert.equal((await call(admin, 'GET', '/health/ready')).status, 200);
});

test('what is no JSON, too large or unknown is refused with a code', async (context) => {
  const { admin } = await shop(context);
  const post = async (payload: string, type: string) => {
    const reply = await admin.inject({
      method: 'POST',
      url: '/apps/till/commands/total',
      headers: { host: 'localhost', 'content-type': type },
      payload,
    });
    return [reply.statusCode, (JSON.parse(reply.body) as { code: string }).code];
  };
  assert.deepEqual(await post('{', 'application/json'), [400, 'AEP_ADMIN_REQUEST_INVALID']);
  assert.deepEqual(await post('{"__proto__":{}}', 'application/json'), [400, 'AEP_ADMIN_REQUEST_INVALID']);
  assert.deepEqual(await post('{}', 'text/plain'), [415, 'AEP_ADMIN_MEDIA_TYPE']);
  assert.deepEqual(await post(`{"args":{"item":"${'x'.repeat(1024 * 1024)}"}}`, 'application/json'), [
    413,
    'AEP_ADMIN_BODY_TOO_LARGE',
  ]);
  assert.deepEqual(codeOf(await call(admin, 'GET', '/nowhere')), 'AEP_ADMIN_ROUTE_UNKNOWN');
});

test('the server of the model answers over a real socket until the process has stopped', async (context) => {
  const port = await freePort();
  const { xvm } = await shop(context, `<admin><port>${port}</port></admin>`);
  const url = `http://127.0.0.1:${port}/health/ready`;
  const reply = await fetch(url);
  assert.deepEqual([reply.status, await reply.json()], [200, { status: 'ready', waitsFor: [] }]);
  await xvm.stop();
  await assert.rejects(fetch(url));
});

test('an address beyond loopback needs a token that cannot be guessed', () => {
  const refused = (address: string, token: string | null, code: string) =>
    assert.throws(
      () => checkAddress({ address, port: 1, token }),
      (error) => error instanceof AepError && error.code === code,
    );
  refused('0.0.0.0', null, 'AEP_ADMIN_ADDRESS_UNSAFE');
  refused('127.0.0.1', 'short', 'AEP_ADMIN_TOKEN_WEAK');
  checkAddress({ address: '0.0.0.0', port: 1, token: TOKEN });
  checkAddress({ address: '::1', port: 1, token: null });
});

/** What is applied to the tables comes a little after it is stable. */
async function waitFor(isDone: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 200 && !isDone(); attempt++) await new Promise((resolve) => setTimeout(resolve, 25));
  assert.ok(isDone(), 'in time');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('a message is sent through an app, and answered when it is stable', async (context) => {
  // The till answers the board, which waits for the till: one of them has to acknowledge at store stability.
  const policy = '<policies><inboundAckPolicy>OnStoreStability</inboundAckPolicy></policies>';
  const { xvm, admin } = await shop(context, '', null, policy);
  const send = (type: string) =>
    call(admin, 'POST', '/apps/board/send', {
      body: { channel: 'sales', type, message: { item: 'tea', amount: 4, region: 'EU' } },
    });
  assert.deepEqual((await send('shop.Sale')).json, {
    app: 'board',
    channel: 'sales',
    type: 'shop.Sale',
    as: 'message',
  });
  await xvm.engine('board').whenIdle();
  assert.equal(tillTotal(xvm, 'tea'), 9);
  const refused = await send('shop.Sail');
  assert.deepEqual([refused.status, codeOf(refused)], [400, 'AEP_MESSAGE_TYPE_UNKNOWN']);
});

test('a failure inside tells the caller nothing about the inside', async (context) => {
  const { xvm } = await shop(context);
  const broken = Object.create(xvm, { status: { value: () => assert.fail('a secret of the inside') } }) as Xvm;
  const reply = await call(buildAdmin(broken, { address: '127.0.0.1', port: 0, token: null }), 'GET', '/status');
  assert.deepEqual([reply.status, codeOf(reply)], [500, 'AEP_ADMIN_FAILED']);
  assert.doesNotMatch(reply.text, /secret/);
});

test('metrics escape what a label could break out with', () => {
  const exposition = new Exposition();
  exposition.gauge('aep_x', 'help', { name: 'a"b\\c\nd' }, 1);
  assert.equal(exposition.toString(), '# HELP aep_x help\n# TYPE aep_x gauge\naep_x{name="a\\"b\\\\c\\nd"} 1\n');
});
