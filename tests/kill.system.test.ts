import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { runKills } from './src/harness/kill-driver.js';

/** `AEP_KILLS` raises it; `npm run kill` is the long version. */
const KILLS = Number(process.env['AEP_KILLS'] ?? 20);
const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);

for (const [mode, what] of [
  ['one', 'all apps in one process on a loopback bus'],
  ['three', 'gateway, processor and ledger in three processes over TCP, any of them killed'],
] as const) {
  test(`nothing is lost and nothing doubled through kill -9 at random moments: ${what}`, async (context) => {
    const killsMin = Math.ceil(KILLS / 2);
    context.diagnostic(`seed ${SEED} (AEP_SEED=${SEED} repeats it; npm run kill -- --mode ${mode} for more)`);
    const { cycles, rounds, lines, msPerCycle } = await runKills({ cycles: killsMin, seed: SEED, mode, workers: 2 });
    context.diagnostic(
      `numbers: ${cycles} kills (${mode}) in ${rounds} rounds over ${lines} lines, ${Math.round(msPerCycle)} ms each`,
    );
    assert.ok(cycles >= killsMin, `only ${cycles} of ${killsMin} kills hit a running process`);
  });
}
