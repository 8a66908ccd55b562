import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { whyNoStrace } from './src/storage/strace.js';

/** `AEP_CRASH_STATES` raises it: 10,000 in CI, more by hand. */
const STATES = Number(process.env['AEP_CRASH_STATES'] ?? 1_500);
const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);
const TRANSACTIONS = 60;
const MAIN = fileURLToPath(new URL('./src/storage/crash-states-process.js', import.meta.url));

const missing = whyNoStrace();

test('whatever a power loss leaves of the files, everything acknowledged is there and whole (H35)', async (context) => {
  if (didNotRun(context)) return;
  const startMs = performance.now();
  const { broken, output, ending } = await run('disk', STATES);
  const states = Math.round(STATES / ((performance.now() - startMs) / 1000));
  context.diagnostic(`${STATES} states, ${states} per second, seed ${SEED} (AEP_SEED, AEP_CRASH_STATES)`);
  assert.deepEqual(broken, []);
  assert.match(output, /^done 0$/m, `the reader ended with ${ending}: ${output.slice(-500)}`);
});

test('a store that never syncs does not pass that test', async (context) => {
  if (didNotRun(context)) return;
  const { broken, ending } = await run('os', 400);
  // Files of a store that never synced may also kill whoever reads them.
  assert.ok(broken.length > 0 || ending !== 'code 0', 'no state of a store without syncs was found broken');
  context.diagnostic(`found: ${broken[0]?.split('\n')[0] ?? ending}`);
});

test('a disk that says it has synced and has not is noticed: acknowledged records are gone', async (context) => {
  if (didNotRun(context)) return;
  const { broken, ending } = await run('lying', 400);
  assert.match(
    broken[0] ?? '',
    /NoLostInput|CommittedPrefix/,
    `nothing was found broken; the reader ended with ${ending}`,
  );
  context.diagnostic(`found: ${broken[0]?.split('\n').slice(0, 2).join(': ')}`);
});

interface Outcome {
  readonly broken: readonly string[];
  readonly output: string;
  readonly ending: string;
}

function run(durability: 'disk' | 'os' | 'lying', states: number): Promise<Outcome> {
  const stopsAtFirst = durability === 'disk' ? '0' : '1';
  const args = [MAIN, String(SEED), String(states), String(TRANSACTIONS), durability, stopsAtFirst];
  const options = { timeout: 3_600_000, maxBuffer: 256 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--enable-source-maps', ...args], options, (error, stdout, stderr) => {
      const broken = [...stdout.matchAll(/^broken (.*)$/gm)].map(([, text = '""']) => JSON.parse(text) as string);
      const ending = error === null ? 'code 0' : (error.signal ?? `code ${error.code}`);
      resolve({ broken: broken.slice(0, 5), output: stdout + stderr, ending });
    });
  });
}

/** A machine without strace must not look as if it had shown anything. */
function didNotRun(context: TestContext): boolean {
  if (missing === undefined) return false;
  context.diagnostic(`DID NOT RUN: ${missing}`);
  process.stderr.write(`crash states: DID NOT RUN: ${missing}\n`);
  return true;
}
