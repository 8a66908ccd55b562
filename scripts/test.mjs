// Runs the built tests: `node scripts/test.mjs [FILTER…]`. A filter is a part of a test file's path; one that matches
// nothing is an error, because a mistyped filter must not look like a pass. Node 20's runner takes no globs, so the
// files are listed here.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** A test file that takes longer hangs; the long versions of some tests are given more. */
const TEST_MS_MAX = Number(process.env.AEP_TEST_MS_MAX ?? 300_000);
const SUFFIXES = ['.test.js', '.property.test.js', '.sim.test.js', '.int.test.js', '.system.test.js'];

/** Runs the tests whose path contains one of the filters (all without filters) and answers their counts. */
export function runTests(filters = []) {
  const all = listTestFiles();
  const unmatched = filters.filter((filter) => !all.some((file) => file.includes(filter)));
  if (unmatched.length > 0) {
    console.error(`No built test file's path contains ${unmatched.map((filter) => `"${filter}"`).join(' or ')}.`);
    return { passed: 0, failed: unmatched.length };
  }
  if (all.length === 0) {
    console.error('There are no built tests: run `npm run build` first.');
    return { passed: 0, failed: 1 };
  }
  return runFiles(filters.length === 0 ? all : all.filter((file) => filters.some((filter) => file.includes(filter))));
}

/** Built test files whose source still exists, relative to the root, sorted. */
export function listTestFiles() {
  const folders = [join(root, 'tests', 'build')];
  for (const group of ['packages', 'examples']) {
    const parent = join(root, group);
    if (!existsSync(parent)) continue;
    for (const name of readdirSync(parent)) folders.push(join(parent, name, 'build', 'test'));
  }
  if (existsSync(join(root, 'benchmarks'))) folders.push(join(root, 'benchmarks', 'build', 'test'));
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => filesBelow(folder).filter((file) => isTest(file)));
}

function filesBelow(folder) {
  const names = readdirSync(folder, { recursive: true }).map(String).toSorted();
  return names.map((name) => relative(root, join(folder, name)).split(sep).join('/'));
}

/** tsc leaves the output of a deleted source behind; such a ghost must neither pass nor fail. */
function isTest(file) {
  if (!SUFFIXES.some((suffix) => file.endsWith(suffix))) return false;
  const map = join(root, `${file}.map`);
  if (!existsSync(map)) return true;
  const { sources } = JSON.parse(readFileSync(map, 'utf8'));
  return sources.every((source) => existsSync(join(dirname(map), source)));
}

function runFiles(files) {
  const folder = mkdtempSync(join(tmpdir(), 'aep-test-'));
  const tap = join(folder, 'result.tap');
  const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout'];
  reporters.push('--test-reporter=tap', `--test-reporter-destination=${tap}`);
  const args = [
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${TEST_MS_MAX}`,
    '--enable-source-maps',
    `--import=${new URL('end-at-once.mjs', import.meta.url).href}`,
    ...reporters,
    ...files,
  ];
  try {
    const run = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1024 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const result = readFileSync(tap, 'utf8');
    // What a random test has covered is worth a line wherever it runs.
    for (const [, line] of result.matchAll(/^\s*# numbers: (.*)$/gm)) console.log(`     ${line}`);
    const passed = count(result, 'pass');
    let failed = count(result, 'fail') + count(result, 'cancelled');
    // A file that dies before it reports (a crash, an exit) may leave no failed test behind; the status knows.
    if (run.status !== 0 && failed === 0) failed = 1;
    if (failed > 0) process.stdout.write(failuresOf(run.stdout));
    return { passed, failed, skipped: count(result, 'skipped') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The spec reporter repeats all failures in full behind this heading. */
function failuresOf(output) {
  const start = output.lastIndexOf('failing tests:');
  return start < 0 ? output : output.slice(output.lastIndexOf('\n', start) + 1);
}

function count(tap, name) {
  // The totals stand at the end; what looks like them further up was printed by a test.
  const lines = [...tap.matchAll(new RegExp(`^# ${name} (\\d+)$`, 'gm'))];
  return Number(lines.at(-1)?.[1] ?? 0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = runTests(process.argv.slice(2));
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
