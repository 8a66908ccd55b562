import assert from 'node:assert/strict';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { checkCrashStates, checkManyCrashStates } from './src/storage/crash-states-run.js';
import { whyNoStrace } from './src/storage/strace.js';

/** `AEP_CRASH_STATES` raises it: 10,000 in CI; `npm run crash-states` is the long version. */
const STATES = Number(process.env['AEP_CRASH_STATES'] ?? 1_500);
const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);

const missing = whyNoStrace();

test('whatever a power loss leaves of the files, everything acknowledged is there and whole (H35)', async (context) => {
  if (didNotRun(context)) return;
  const startMs = performance.now();
  const { broken, isDone, ending } = await checkManyCrashStates({ seed: SEED, states: STATES }, () => undefined);
  const perSecond = Math.round(STATES / ((performance.now() - startMs) / 1000));
  context.diagnostic(
    `numbers: ${STATES} crash states, ${perSecond} a second, seed ${SEED} (AEP_SEED, AEP_CRASH_STATES)`,
  );
  assert.deepEqual(broken, []);
  assert.ok(isDone, `the reader ended with ${ending}`);
});

test('a store that never syncs does not pass that test', async (context) => {
  if (didNotRun(context)) return;
  const { broken, isDone, ending } = await checkCrashStates({ seed: SEED, states: 400, durability: 'os' });
  // Files of a store that never synced may also kill whoever reads them.
  assert.ok(broken.length > 0 || !isDone, 'no state of a store without syncs was found broken');
  context.diagnostic(`found: ${broken[0]?.split('\n')[0] ?? ending}`);
});

test('a disk that says it has synced and has not is noticed: acknowledged records are gone', async (context) => {
  if (didNotRun(context)) return;
  const { broken, ending } = await checkCrashStates({ seed: SEED, states: 400, durability: 'lying' });
  assert.match(
    broken[0] ?? '',
    /NoLostInput|CommittedPrefix/,
    `nothing was found broken; the reader ended with ${ending}`,
  );
  context.diagnostic(`found: ${broken[0]?.split('\n').slice(0, 2).join(': ')}`);
});

/** A machine without strace must not look as if it had shown anything. */
function didNotRun(context: TestContext): boolean {
  if (missing === undefined) return false;
  context.diagnostic(`DID NOT RUN: ${missing}`);
  process.stderr.write(`crash states: DID NOT RUN: ${missing}\n`);
  return true;
}
