import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { didNotRun, etcdServer } from '@aep/brokers';
import { namespacesMissing } from './src/harness/pair-network/namespaces.js';

/** `AEP_FAILOVERS` raises it; `npm run failover` is the long version. */
const FAILOVERS = Number(process.env['AEP_FAILOVERS'] ?? 3);
const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);
const MAIN = fileURLToPath(new URL('./src/harness/failover-main.js', import.meta.url));

test('a pair loses nothing and doubles nothing when its primary is killed under load (H0, H20, H35)', async (context) => {
  const said = await failovers(context, { faults: 'kill-primary', cycles: FAILOVERS });
  assert.match(said, /first newly acknowledged event: p50 \d+ ms/);
});

test('nor when it is paused until its partner has taken over, and goes on as a zombie', async (context) => {
  const said = await failovers(context, { faults: 'pause-primary', cycles: Math.ceil(FAILOVERS / 2) });
  assert.match(said, /the same from a pause .*: p50 \d+ ms/);
});

test('nor by kills and pauses of members and of their arbiter, and cuts between them, with both arbiters', async (context) => {
  if (didNotRun(context, etcdServer())) return;
  const missing = namespacesMissing();
  // What the cuts are made of instead is the subject of the next test.
  if (missing !== undefined) speak(context, `cuts between network namespaces: DID NOT RUN: ${missing}`);
  const cuts = missing === undefined ? 'namespaces' : 'proxy';
  const said = await failovers(context, { faults: 'all', cycles: 2 * FAILOVERS, arbiter: 'both', cuts });
  assert.match(said, /^seed \d+, embedded, /m);
  assert.match(said, /^seed \d+, etcd, /m);
});

test('nor when the link is cut by proxies, as on machines without network namespaces', async (context) => {
  const said = await failovers(context, {
    faults: 'cut-link,cut-to-backup,cut-to-primary',
    cycles: FAILOVERS,
    cuts: 'proxy',
  });
  assert.match(said, /NETWORK NAMESPACES DID NOT RUN: not wanted/);
});

test('with acks: none a primary that is cut off acknowledges what is lost, and the command finds it', async (context) => {
  if (didNotRun(context, etcdServer())) return;
  // What a failed round leaves for inspection is of no interest here.
  const TMPDIR = mkdtempSync(join(tmpdir(), 'aep-control-'));
  context.after(() => rmSync(TMPDIR, { recursive: true, force: true }));
  const asynchronous = { TMPDIR, X_APPS_ORDER_PROCESSOR_STORAGE_CLUSTERING_ACKS: 'none' };
  const { code, said } = await run(context, { faults: 'isolate-primary', cycles: 1, arbiter: 'etcd' }, asynchronous);
  assert.equal(code, 1, said);
  assert.match(said, /AEP_CLUSTER_DIVERGED|LOST/);
  assert.doesNotMatch(said, /0 lost/);
});

for (const [signal, code, faults] of [
  ['SIGTERM', 143, 'kill-primary'],
  // Where there are network namespaces, the command runs itself in one of its own.
  ['SIGINT', 130, 'cut-link'],
] as const) {
  test(`${signal} to the command alone ends all processes of its pair (${faults})`, async (context) => {
    const TMPDIR = mkdtempSync(join(tmpdir(), 'aep-signal-'));
    context.after(() => rmSync(TMPDIR, { recursive: true, force: true }));
    const { child, ended } = spawned({ seed: SEED, cycles: 20, faults }, { TMPDIR });
    while (child.exitCode === null && startedIn(TMPDIR).length < 4) await delay(20);
    child.kill(signal);
    const { code: found, said } = await ended;
    assert.equal(found, code, said);
    const pids = startedIn(TMPDIR);
    assert.ok(pids.length >= 4, said);
    const endMs = performance.now() + 5_000;
    while (pids.some(isAlive) && performance.now() < endMs) await delay(20);
    assert.deepEqual(pids.filter(isAlive), []);
  });
}

/** Ids of the processes that a run with this folder for temporary files has started. */
function startedIn(folder: string): number[] {
  const logs = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.log'));
  const lines = logs.flatMap((file) => readFileSync(join(folder, file), 'utf8').trimEnd().split('\n'));
  return lines.filter((line) => line.includes('"started"')).map((line) => (JSON.parse(line) as { pid: number }).pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // One that nobody has waited for: in a container that may be for good.
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'));
}

/** What the command says; it fails when anything was lost, doubled or hung. */
async function failovers(context: TestContext, options: Options): Promise<string> {
  const { code, said } = await run(context, options);
  assert.equal(code, 0, said);
  assert.match(said, /0 lost, 0 doubled/);
  return said;
}

type Options = Readonly<Record<string, string | number>>;

async function run(context: TestContext, options: Options, environment: Readonly<Record<string, string>> = {}) {
  const { args, ended } = spawned({ seed: SEED, ...options }, environment);
  context.diagnostic(`npm run failover -- ${args.join(' ')}`);
  const { code, said } = await ended;
  if (code === 0) for (const line of said.trimEnd().split('\n')) context.diagnostic(`numbers: ${line}`);
  return { code, said };
}

function spawned(options: Options, environment: Readonly<Record<string, string>>) {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  const ended = new Promise<{ code: number | null; said: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, said }));
  });
  return { child, args, ended };
}

function speak(context: TestContext, line: string): void {
  context.diagnostic(line);
  process.stderr.write(`${line}\n`);
}
