import { mkdtempSync, rmSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import type { BenchmarkCase, CaseResult } from './case.js';
import { engineCases } from './cases/engine.js';
import { journalCases } from './cases/journal.js';
import { keyCases } from './cases/keys.js';
import { viewCases } from './cases/views.js';

const corpus: readonly BenchmarkCase[] = [...viewCases, ...keyCases, ...journalCases, ...engineCases];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    scale: { type: 'string', default: '1' },
    // On the working disk, not in a memory file system: a sync must cost what it costs.
    directory: { type: 'string', default: 'build' },
  },
});

const chosen = corpus.filter(
  ({ name }) => positionals.length === 0 || positionals.some((filter) => name.includes(filter)),
);
if (chosen.length === 0) {
  console.error(`no case matches ${positionals.join(' ')}; there are ${corpus.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else if (values.list) {
  for (const { name, title, durability } of chosen) console.log(`${name}  [durability: ${durability}]  ${title}`);
} else {
  await runAll(chosen, Number(values.scale));
}

async function runAll(cases: readonly BenchmarkCase[], scale: number): Promise<void> {
  const machine = `node ${process.version}, ${arch()}, ${cpus().length} cores`;
  if (!values.json) console.log(`${machine}, scale ${scale}`);
  for (const benchmark of cases) {
    const directory = mkdtempSync(join(resolve(values.directory), 'bench-'));
    try {
      report(benchmark, await benchmark.run({ directory, scale }), machine);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

function report(benchmark: BenchmarkCase, result: CaseResult, machine: string): void {
  const { name, title, durability } = benchmark;
  if (values.json) {
    console.log(JSON.stringify({ name, durability, machine, ...result }));
    return;
  }
  console.log(`\n${name}  [durability: ${durability}]\n  ${title}`);
  for (const figure of result.figures)
    console.log(`  ${figure.name.padEnd(24)} ${String(figure.value).padStart(12)} ${figure.unit}`);
  for (const ratio of result.ratios)
    console.log(`  ${ratio.name.padEnd(24)} ${String(ratio.value).padStart(12)} x ${ratio.against}`);
}
