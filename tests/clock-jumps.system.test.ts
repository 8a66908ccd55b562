import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { SeededRandom } from '@aep/kernel';
import { JumpingClock, whyNoFaketime } from './src/harness/jumping-clock.js';
import { runKills } from './src/harness/kill-driver.js';

// On a virtual clock, with timers: planted-faults.sim.test.ts.

const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);

const missing = whyNoFaketime();

for (const mode of ['one', 'three'] as const) {
  test(`a wall clock that jumps by hours and years all the time changes no result, through kill -9 too: ${mode} process(es)`, async (context) => {
    if (didNotRun(context)) return;
    const wall = new JumpingClock(new SeededRandom(SEED));
    try {
      const report = await runKills({ cycles: 4, seed: SEED, mode, environment: wall.environment });
      context.diagnostic(`${wall.jumps} jumps, ${report.cycles} kills, seed ${SEED} (AEP_SEED)`);
      assert.ok(report.cycles >= 4, `only ${report.cycles} kills hit a running process`);
    } finally {
      wall.stop();
    }
  });
}

test('the wall clock of a process in that test does jump, and its monotonic clock does not', async (context) => {
  if (didNotRun(context)) return;
  const wall = new JumpingClock(new SeededRandom(1));
  try {
    const years = new Set<number>();
    for (let count = 0; count < 20 && years.size < 2; count++) {
      const script = 'console.log(new Date().getFullYear(), Math.round(performance.now()))';
      const { stdout } = spawnSync(process.execPath, ['-e', script], {
        encoding: 'utf8',
        env: { ...process.env, ...wall.environment },
      });
      const [year = NaN, sinceStartMs = NaN] = stdout.split(' ').map(Number);
      years.add(year);
      assert.ok(sinceStartMs >= 0 && sinceStartMs < 60_000, stdout);
      await delay(50);
    }
    assert.ok(years.size >= 2, `only ${[...years].join()}`);
  } finally {
    wall.stop();
  }
});

/** A machine without faketime must not look as if it had shown anything. */
function didNotRun(context: TestContext): boolean {
  if (missing === undefined) return false;
  context.diagnostic(`DID NOT RUN: ${missing}`);
  process.stderr.write(`clock jumps: DID NOT RUN: ${missing}\n`);
  return true;
}
