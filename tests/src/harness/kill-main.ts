import process from 'node:process';
import { parseArgs } from 'node:util';
import { exitOnSignals } from './exit-on-signals.js';
import { runKills } from './kill-driver.js';
import type { RoundResult } from './kill-round.js';

/** How far it is, is said each time so many more have been done. */
const KILLS_PER_LINE = 50;

/** `npm run kill -- [--cycles N] [--seed S] [--mode one|three|both] [--input FILE] [--workers N]` */
const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    mode: { type: 'string', default: 'both' },
    input: { type: 'string' },
    workers: { type: 'string', default: '2' },
  },
});

const modes: readonly ('one' | 'three')[] =
  values.mode === 'both' ? ['one', 'three'] : [values.mode === 'three' ? 'three' : 'one'];
const seed = Number(values.seed);
exitOnSignals();
let failed = 0;
for (const mode of modes) {
  const cycles = Math.ceil(Number(values.cycles) / modes.length);
  write(`${mode}: ${cycles} kills, seed ${seed}`);
  let kills = 0;
  const onRound = (result: RoundResult): void => {
    const before = kills;
    kills += result.kills;
    if (Math.floor(kills / KILLS_PER_LINE) > Math.floor(before / KILLS_PER_LINE))
      write(`${mode}: ${kills} of ${cycles}`);
  };
  try {
    const report = await runKills({
      cycles,
      seed,
      mode,
      input: values.input,
      workers: Number(values.workers),
      onRound,
    });
    const { rounds, lines, msPerCycle } = report;
    write(
      `${mode}: ${report.cycles} kills in ${rounds} rounds over ${lines} lines, ${Math.round(msPerCycle)} ms each: 0 lost, 0 doubled`,
    );
  } catch (thrown) {
    failed++;
    write(`${mode}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    write(`npm run kill -- --mode ${mode} --cycles 15 --seed SEED repeats the round`);
  }
}
// Not left to the event loop's end, where Node 20 can hang (see scripts/start.mjs).
process.exit(failed === 0 ? 0 : 1);

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
