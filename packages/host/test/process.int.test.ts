import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { ExitCode } from '@aep/host';
import { temporaryDir, testDir } from './shop.js';

interface Run {
  readonly child: ChildProcess;
  readonly started: Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly log: string }>;
}

function run(context: TestContext, trouble: string, xvm = ''): Run {
  const script = join(testDir, 'run-shop.js');
  const child = spawn(process.execPath, [script, temporaryDir(context), trouble, xvm], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.after(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  const ended = new Promise<{ code: number | null; log: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, log }));
  });
  const started = new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    void ended.then(() => reject(new Error(`ended before it had started:\n${log}`)));
  });
  // A test that expects no start does not wait for it.
  started.catch(() => {});
  return { child, started, ended };
}

test('SIGTERM stops in order and ends with 0', { timeout: 30_000 }, async (context) => {
  const { child, started, ended } = run(context, 'none');
  await started;
  child.kill('SIGTERM');
  const { code, log } = await ended;
  assert.equal(code, ExitCode.ok, log);
  assert.match(log, /stopping in order.*signal=SIGTERM/);
  assert.match(log, /stopped .*drained=true/);
});

for (const [signal, code] of [
  ['SIGTERM', ExitCode.terminated],
  ['SIGINT', ExitCode.interrupted],
] as const) {
  test(
    `a second ${signal} ends a stop that does not come to its end, with ${code}`,
    { timeout: 30_000 },
    async (context) => {
      const { child, started, ended } = run(context, 'main');
      await started;
      child.kill(signal);
      await new Promise((resolve) => setTimeout(resolve, 200));
      child.kill(signal);
      const result = await ended;
      assert.equal(result.code, code, result.log);
      assert.match(result.log, /stopping at once/);
    },
  );
}

test('a stop that reaches its deadline says what held it and ends with 75', { timeout: 30_000 }, async (context) => {
  const { child, started, ended } = run(context, 'main', '<stopTimeout>300ms</stopTimeout>');
  await started;
  child.kill('SIGTERM');
  const { code, log } = await ended;
  assert.equal(code, ExitCode.deadline, log);
  assert.match(log, /held the stop.*app=till.*a main of the application/);
});

test('a rejection that nobody handled is logged and ends the process with 70', { timeout: 30_000 }, async (context) => {
  const { code, log } = await run(context, 'rejection').ended;
  assert.equal(code, ExitCode.unexpected);
  assert.match(log, /a rejection that nobody handled[^]*nobody handles this/);
});

test('an exception that nobody caught is logged and ends the process with 70', { timeout: 30_000 }, async (context) => {
  const { code, log } = await run(context, 'exception').ended;
  assert.equal(code, ExitCode.unexpected);
  assert.match(log, /an exception that nobody caught[^]*nobody catches this/);
});

test('an app that stops by a policy takes the process with it, with 71', { timeout: 30_000 }, async (context) => {
  const { code, log } = await run(context, 'poison').ended;
  assert.equal(code, ExitCode.appStopped, log);
  assert.match(log, /an app stopped, and the process with it.*app=till/);
});

test('a model that cannot be run ends with 78', { timeout: 30_000 }, async (context) => {
  const { code, log } = await run(context, 'none', '<stopTimeout>soon</stopTimeout>').ended;
  assert.equal(code, ExitCode.configuration, log);
  assert.match(log, /AEP_MODEL_INVALID/);
});

test('an admin port that is taken ends with 69', { timeout: 30_000 }, async (context) => {
  const server = createServer();
  context.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { code, log } = await run(context, 'none', `<admin><port>${port}</port></admin>`).ended;
  assert.equal(code, ExitCode.unavailable, log);
  assert.ok(log.includes('AEP_ADMIN_LISTEN_FAILED'), log);
});
