import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { runKills } from './src/harness/kill-driver.js';

// A second signal, the deadline of a stop, rejections and exceptions that nobody handles: packages/host/test/process.int.test.ts.

const STOPS = Number(process.env['AEP_STOPS'] ?? 8);
const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);

for (const mode of ['one', 'three'] as const) {
  test(`SIGTERM under load drains and loses nothing, again and again (E4): ${mode} process(es)`, async (context) => {
    const cycles = Math.ceil(STOPS / 2);
    context.diagnostic(`seed ${SEED} (AEP_SEED, AEP_STOPS)`);
    const report = await runKills({ cycles, seed: SEED, mode, signal: 'SIGTERM' });
    assert.ok(report.cycles >= cycles, `only ${report.cycles} of ${cycles} stops came before the end of the work`);
  });
}
