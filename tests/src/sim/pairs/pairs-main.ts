import process from 'node:process';
import { parseArgs } from 'node:util';
import { planOf } from './plan.js';
import { simulate } from './simulation.js';

Error.stackTraceLimit = 0;
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '100' },
    trace: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
let events = 0;
let simulated = 0;
let bad = 0;
const start = performance.now();
for (let seed = first; seed < first + count; seed++) {
  const outcome = await simulate(planOf(seed), { isTold: values.trace });
  events += outcome.events;
  simulated += outcome.simulatedMs;
  if (values.trace) process.stdout.write(outcome.lines.join('\n') + '\n');
  if (outcome.violations.length > 0 && bad++ < 5) {
    process.stdout.write(
      `seed ${seed}: ${outcome.violations
        .slice(0, 2)
        .map((v) => `${v.clause}: ${v.detail.slice(0, 400)}`)
        .join('\n   ')}\n`,
    );
  }
}
const cpu = process.cpuUsage(); const s = (performance.now() - start) / 1000;
process.stdout.write(
  `${count} seeds, ${bad} bad, ${(count / s).toFixed(1)} seeds/s, ${(count / ((cpu.user + cpu.system) / 1e6)).toFixed(1)} seeds/cpu-s, ${(events / count).toFixed(0)} events/seed, ${(simulated / count).toFixed(0)} ms/seed\n`,
);
