import assert from 'node:assert/strict';
import process from 'node:process';
import { describe, it, test } from 'node:test';
import { runBatch } from './src/sim/pairs/batch.js';
import { drawingThen, KEPT_SEEDS } from './src/sim/pairs/kept-seeds.js';
import { PLANTED_BUGS } from './src/sim/pairs/planted-bugs.js';

/** How long new seeds are tried; `npm run sim` tries more. */
const BUDGET_MS = Number(process.env['AEP_SIM_BUDGET_MS'] ?? 8_000);
const FIRST_SEED = Number(process.env['AEP_SIM_SEED'] ?? Date.now() % 1_000_000_000);

/** Found so soon that every test run can afford to look for them; `npm run sim -- --bugs` looks for all. */
const SOON_FOUND = [
  'a backup acknowledges before its sync',
  'the primary releases before its own sync',
  'solo before the register says so',
  'a member is paired before it counts',
  'a restarted primary resumes its epoch',
  'a backup takes over without the register',
];
const SOON = 60;
/** A plan in which a member with a later promise is sent to a primary that is none any more. */
const LED_TO_A_ZOMBIE = 327;

test('members keep every promise of H0 through kills, lost disks, cuts, pauses and a failing arbiter (H30–H32)', async (context) => {
  const endMs = performance.now() + BUDGET_MS;
  const report = await runBatch({ from: FIRST_SEED, seeds: 1e9, isOver: () => performance.now() > endMs });
  context.diagnostic(`${report.seeds} seeds from ${FIRST_SEED}, ${report.events} events, ${report.committed} records`);
  for (const { seed, violations } of report.failures)
    assert.fail(
      `npm run sim -- --seed ${seed} --trace\n${violations.map(({ clause, detail }) => `${clause}: ${detail}`).join('\n')}`,
    );
  assert.ok(report.committed > report.seeds, 'the seeds did some work');
});

describe('seeds that once found something stay clean', () => {
  for (const kept of KEPT_SEEDS) {
    void it(`${kept.seed}: ${kept.found}`, async () => {
      const { failures } = await runBatch({ from: kept.seed, seeds: 1, drawing: drawingThen(kept) });
      assert.deepEqual(failures, []);
    });
  }
});

describe('a rule that is broken on purpose is missed (H33)', () => {
  for (const bug of PLANTED_BUGS.filter(({ name }) => SOON_FOUND.includes(name))) {
    void it(bug.name, async (context) => {
      const { seeds, failures } = await runBatch({ from: 1, seeds: SOON, bug, twiceEvery: Infinity });
      assert.equal(failures.length, 1, `nothing noticed it in ${SOON} seeds`);
      context.diagnostic(`found at seed ${seeds}: ${failures[0]!.violations[0]!.clause}`);
    });
  }
});

test('a member refuses the welcome of an epoch that is over, where the primary has let its hello pass (H4)', async () => {
  const bug = PLANTED_BUGS.find(({ name }) => name === 'a primary welcomes members of a later epoch')!;
  const { marks, failures } = await runBatch({ from: LED_TO_A_ZOMBIE, seeds: 1, bug, twiceEvery: Infinity });
  assert.ok(marks.has('stale-epoch-refused'), 'the second fence was reached: else look for another seed');
  assert.deepEqual(failures, []);
});
