import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
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

/** What the command says; it fails when anything was lost, doubled or hung. */
async function failovers(context: TestContext, options: Options): Promise<string> {
  const { code, said } = await run(context, options);
  assert.equal(code, 0, said);
  assert.match(said, /0 lost, 0 doubled/);
  return said;
}

type Options = Readonly<Record<string, string | number>>;

async function run(context: TestContext, options: Options, environment: Readonly<Record<string, string>> = {}) {
  const args = Object.entries({ seed: SEED, ...options }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  context.diagnostic(`npm run failover -- ${args.join(' ')}`);
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code === 0) for (const line of said.trimEnd().split('\n')) context.diagnostic(`numbers: ${line}`);
  return { code, said };
}

function speak(context: TestContext, line: string): void {
  context.diagnostic(line);
  process.stderr.write(`${line}\n`);
}
