import process from 'node:process';
import { parseArgs } from 'node:util';
import { describeViolations, type Violation } from '../checker/invariants.js';
import { simulateAlarms } from './alarms-simulation.js';
import { simulateDamage } from './damage-simulation.js';
import { simulateOrders } from './orders-simulation.js';
import { PLANTED_FAULTS } from './planted-faults.js';

/**
 * Simulates seeds until one breaks something: `simulation-main.js [--seed FIRST] [--seeds N] [--fault NAME]`, with a
 * guarantee switched off when a fault is named. Answers one line of JSON; ends with 1 when something broke.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '100' },
    fault: { type: 'string' },
  },
});
if (values.fault !== undefined) {
  const planted = PLANTED_FAULTS.find(({ name }) => name === values.fault);
  if (planted === undefined)
    throw new Error(`no fault "${values.fault}": ${PLANTED_FAULTS.map(({ name }) => name).join(', ')}`);
  await planted.plant();
}
// With a guarantee switched off anything may be thrown anywhere; what counts is what the disks say.
process.on('unhandledRejection', () => undefined);

const startMs = performance.now();
const first = Number(values.seed);
let seed = first;
let violations: Violation[] = [];
for (; seed < first + Number(values.seeds) && violations.length === 0; seed++) {
  violations = [...(await simulateOrders(seed)), ...(await simulateDamage(seed)), ...(await simulateAlarms(seed))];
}
const seeds = seed - first;
const msPerSeed = Math.round((performance.now() - startMs) / seeds);
process.stdout.write(`${JSON.stringify({ seeds, msPerSeed, violations })}\n`);
if (violations.length > 0) process.stderr.write(`seed ${seed - 1}:\n${describeViolations(violations)}\n`);
process.exitCode = violations.length === 0 ? 0 : 1;
