import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type BatchReport, type Failure, missedFaults, missedMarks, runBatch } from './batch.js';
import { type PlantedBug, PLANTED_BUGS } from './planted-bugs.js';
import { planOf } from './plan.js';
import { reduced, type Remainder, shrink } from './shrink.js';
import { simulate } from './simulation.js';

/**
 * `npm run sim -- [--seeds N] [--from S] [--seed S] [--shrink] [--json]`: simulates pairs until something breaks, and prints how
 * fast it was and which rare branches were reached. `--seed` runs one and `--trace` tells what happens in it; `--actions` and
 * `--inputs` run only those of its plan, as a shrunk failure says. `--bug NAME` plants a bug, `--bugs` all, one after the other.
 * `--failures N` goes on after the first, `--minutes M` ends it in time.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    actions: { type: 'string' },
    inputs: { type: 'string' },
    bug: { type: 'string' },
    bugs: { type: 'boolean', default: false },
    failures: { type: 'string', default: '1' },
    minutes: { type: 'string', default: 'Infinity' },
  },
});

/** So many seeds reach every rare branch. */
const MARKS_AFTER = 5_000;

// Errors are made by the thousand, and nobody reads where.
if (!values.trace) Error.stackTraceLimit = 0;

const bug = values.bug === undefined ? undefined : bugNamed(values.bug);

if (values.bugs) await findBugs();
else if (values.seed === undefined) await runSeeds();
else await runOne(Number(values.seed));

async function runSeeds(): Promise<void> {
  const startMs = performance.now();
  const report = await runBatch({
    from: Number(values.from),
    seeds: Number(values.seeds),
    failuresMax: Number(values.failures),
    isOver: () => performance.now() - startMs > Number(values.minutes) * 60_000,
    ...(bug && { bug }),
    onFailure: (failure) => tell(failure),
  });
  print(report, (performance.now() - startMs) / 1_000);
  // A large batch that never gets to a rare branch has not tried what it is for.
  const missed = [...missedMarks(report.marks), ...missedFaults(report.struck)];
  if (bug === undefined && report.seeds >= MARKS_AFTER && missed.length > 0) process.exitCode = 1;
}

async function runOne(seed: number): Promise<void> {
  const plan = planOf(seed);
  const left: Remainder = {
    actions: listed(values.actions, plan.actions.length),
    inputs: listed(values.inputs, plan.inputs.length),
  };
  const outcome = await simulate(reduced(plan, left), { ...bug, isTold: values.trace });
  for (const line of outcome.lines) process.stdout.write(`${line}\n`);
  if (outcome.violations.length > 0) await tell({ seed, violations: outcome.violations });
  else
    process.stdout.write(
      `seed ${seed}: nothing is broken; ${outcome.events} events, ${outcome.committed} records, trace ${outcome.traceHash >>> 0}\n`,
    );
}

/** Each must be found, unless it says why nothing comes of it. */
async function findBugs(): Promise<void> {
  for (const planted of PLANTED_BUGS) {
    const { seeds, failures } = await runBatch({
      from: Number(values.from),
      seeds: Number(values.seeds),
      bug: planted,
      twiceEvery: Infinity,
    });
    const clauses = [...new Set(failures.flatMap(({ violations }) => violations.map(({ clause }) => clause)))];
    if (failures.length > 0) process.stdout.write(`found at seed ${seeds}  ${planted.name}  ${clauses.join(', ')}\n`);
    else if (planted.equivalent !== undefined)
      process.stdout.write(`not found in ${seeds} seeds  ${planted.name}: ${planted.equivalent}\n`);
    else {
      process.exitCode = 1;
      process.stdout.write(`NOT FOUND in ${seeds} seeds  ${planted.name}\n`);
    }
  }
}

function print(report: BatchReport, seconds: number): void {
  const { seeds, events, simulatedMs, committed, marks, struck, failures } = report;
  const cpu = process.cpuUsage();
  const facts = {
    seeds,
    failures: failures.length,
    seedsPerSecond: Math.round((seeds / seconds) * 10) / 10,
    seedsPerCpuSecond: Math.round((seeds / ((cpu.user + cpu.system) / 1e6)) * 10) / 10,
    eventsPerSecond: Math.round(events / seconds),
    simulatedSeconds: Math.round(simulatedMs / 1_000),
    records: committed,
    marks: Object.fromEntries([...marks].sort(([a], [b]) => a.localeCompare(b))),
    struck: Object.fromEntries(struck),
    never: [...missedMarks(marks), ...missedFaults(struck)],
  };
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ...facts, commit: commit(), violations: failures })}\n`);
    return;
  }
  const marksText = Object.entries(facts.marks).map(([name, count]) => `  ${name} ${count}`);
  const struckText = Object.entries(facts.struck).map(([name, count]) => `${name} ${count}`);
  process.stdout.write(
    `${seeds} seeds from ${values.from}, ${failures.length} broken; ${facts.seedsPerSecond} seeds/s (${facts.seedsPerCpuSecond} in a second of CPU), ` +
      `${facts.eventsPerSecond} events/s, ${facts.simulatedSeconds} s simulated, ${committed} records\nfaults: ${struckText.join(', ')}\nrare branches:\n${marksText.join('\n')}\n` +
      `never reached: ${facts.never.join(', ') || 'none'}\n`,
  );
}

/** Commit, seed, and the one command that shows it again (H34). */
async function tell({ seed, violations }: Failure): Promise<void> {
  process.exitCode = 1;
  if (values.json) return;
  const told = violations.map(({ clause, detail }) => `  ${clause}: ${detail}\n`);
  let command = `npm run sim -- --seed ${seed}${bug === undefined ? '' : ` --bug "${bug.name}"`}`;
  if (values.shrink) {
    const left = await shrink(planOf(seed), violations[0]!.clause, bug);
    command += ` --actions ${left.actions.join(',') || 'none'} --inputs ${left.inputs.join(',') || 'none'}`;
  }
  process.stdout.write(
    `seed ${seed} at commit ${commit()}:\n${told.join('')}again, with what happens: ${command} --trace\n`,
  );
}

function listed(text: string | undefined, count: number): number[] {
  if (text === undefined) return Array.from({ length: count }, (_, index) => index);
  return text === 'none' ? [] : text.split(',').map(Number);
}

function bugNamed(name: string): PlantedBug {
  const found = PLANTED_BUGS.find((one) => one.name === name);
  if (found === undefined)
    throw new Error(`no planted bug "${name}": ${PLANTED_BUGS.map((one) => one.name).join('; ')}`);
  return found;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
