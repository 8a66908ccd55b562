import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { BenchmarkCase } from './case.js';
import { EarlierRun } from './compare.js';
import { corpus } from './corpus.js';
import { printReport } from './print.js';
import { writeResults } from './results-table.js';
import { type CaseReport, runCase, runCaseApart, type RunOptions } from './run-case.js';

const RESULTS = fileURLToPath(new URL('../../BENCHMARKS.md', import.meta.url));

const PRETTIER = fileURLToPath(new URL('../../node_modules/prettier/bin/prettier.cjs', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    /** A positional is a whole name, not a part of one. */
    exact: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    /** A file that an earlier run wrote with --json. */
    compare: { type: 'string' },
    scale: { type: 'string', default: '1' },
    directory: { type: 'string', default: 'build' },
  },
});

const chosen = corpus.filter(
  ({ name }) =>
    positionals.length === 0 || positionals.some((filter) => (values.exact ? name === filter : name.includes(filter))),
);
const scale = Number(values.scale);
if (chosen.length === 0) {
  console.error(`no case matches ${positionals.join(' ')}; there are ${corpus.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else if (!(scale > 0)) {
  console.error(`--scale ${values.scale}: expected a number above 0, 1 is what BENCHMARKS.md quotes`);
  process.exitCode = 2;
} else if (values.report && positionals.length > 0) {
  console.error('--report writes the whole table anew: leave the names of cases out');
  process.exitCode = 2;
} else if (values.list) {
  for (const { name, title, durability } of chosen) console.log(`${name}  [durability: ${durability}]  ${title}`);
} else {
  await runAll(chosen);
}

async function runAll(cases: readonly BenchmarkCase[]): Promise<void> {
  const options: RunOptions = { directory: resolve(values.directory), scale, isFull: values.full };
  mkdirSync(options.directory, { recursive: true });
  if (!values.json) console.log(`node ${process.version}, ${arch()}, ${cpus().length} cores, scale ${scale}`);
  const earlier = values.compare === undefined ? undefined : new EarlierRun(values.compare);
  const reports: CaseReport[] = [];
  for (const benchmark of cases) {
    // A single case runs right here, where a profiler or debugger that was asked for looks.
    const report = await (cases.length === 1 ? runCase : runCaseApart)(benchmark, options);
    reports.push(report);
    if (report.failed !== undefined) process.exitCode = 1;
    if (values.json) console.log(JSON.stringify(report));
    else printReport(report, earlier);
  }
  if (!values.report) return;
  writeResults(RESULTS, reports, { scale });
  // The format check of npm test reads this file, too.
  spawnSync(process.execPath, [PRETTIER, '--write', RESULTS]);
}
