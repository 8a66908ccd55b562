import process from 'node:process';
import { parseArgs } from 'node:util';
import { checkManyCrashStates } from './crash-states-run.js';
import { whyNoStrace } from './strace.js';

/**
 * `npm run crash-states -- [--states N] [--seed S]`: says after every ten thousand states how to go on from there. Ends
 * with 1 when a state was found broken.
 */
const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const states = Number(values.states);
const seed = Number(values.seed);
const missing = whyNoStrace();
if (missing !== undefined) {
  process.stderr.write(`crash states: DID NOT RUN: ${missing}\n`);
  process.exit(1);
}
const startMs = performance.now();
process.stdout.write(`${states} states, seed ${seed}\n`);
const { broken, isDone, ending } = await checkManyCrashStates({ seed, states }, (soFar) => {
  const perSecond = Math.round(soFar / ((performance.now() - startMs) / 1000));
  const rest = soFar < states ? `; --states ${states - soFar} --seed ${seed + soFar} goes on` : '';
  process.stdout.write(`${soFar} states, ${perSecond} a second${rest}\n`);
});
for (const text of broken) process.stderr.write(`${text}\n`);
if (!isDone) process.stderr.write(`the reader ended with ${ending}\n`);
process.exit(broken.length === 0 && isDone ? 0 : 1);
