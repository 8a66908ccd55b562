// Everything that must hold before a change goes in: lint, format, unused code, tests. All steps run even when one
// fails, so one run tells the whole story. `node scripts/check.mjs FILTER…` runs only the tests that match.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { runTests } from './test.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const filters = process.argv.slice(2);
const tool = (name) => join(root, 'node_modules', '.bin', name);

const steps = [
  { name: 'lint', command: [tool('oxlint'), '--type-aware', '--quiet'] },
  {
    name: 'format',
    command: [tool('prettier'), '--check', '--log-level=warn', '--cache', '--cache-strategy=content', '.'],
  },
  { name: 'unused code', command: [tool('knip'), '--no-progress', '--no-config-hints'] },
  { name: 'generated code', command: [process.execPath, join(root, 'scripts', 'generate.mjs'), '--check'] },
  { name: 'error codes', command: [process.execPath, join(root, 'scripts', 'error-codes.mjs'), '--check'] },
];

let passed = 0;
let failed = 0;
if (filters.length === 0) {
  for (const step of steps)
    report(
      step.name,
      timed(() => runStep(step.command)),
    );
}
const tests = timed(() => runTests(filters));
console.log(`${tests.failed === 0 ? 'ok  ' : 'FAIL'} tests (${seconds(tests.tookMs)})`);
passed += tests.passed;
failed += tests.failed;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function runStep([command, ...args]) {
  const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' };
  const result = spawnSync(command, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`;
  return { ok: result.status === 0, output };
}

function report(name, { ok, output, tookMs }) {
  if (!ok) process.stdout.write(output);
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${seconds(tookMs)})`);
  if (ok) passed++;
  else failed++;
}

function timed(run) {
  const startMs = performance.now();
  const result = run();
  return { ...result, tookMs: performance.now() - startMs };
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
