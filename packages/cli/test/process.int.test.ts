import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { ExitCode } from '@aep/cli';
import { writeLedger } from './ledger-store.js';
import { scratchDirectory } from './test-io.js';

const scratch = scratchDirectory();
const cwd = scratch.path;
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
before(async () => {
  await writeLedger(cwd);
  // More than a pipe holds, so that an export has to wait for its reader.
  const steps = Array.from({ length: 1_500 }, (_, index) => [`account-${index % 50}`, 20 + (index % 50)] as const);
  await writeLedger(join(cwd, 'long'), steps);
});
after(() => scratch.remove());

function run(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, ...argv], { cwd, encoding: 'utf8', timeout: 20_000 });
}

test('the real process writes results to stdout, messages to stderr, and ends with the exit code', () => {
  const good = run('journal', 'export', 'ledger', '--limit', '2');
  assert.deepEqual(
    [good.status, good.stdout.split('\n').length, good.stderr],
    [ExitCode.ok, 3, '2 records exported; go on with --from 3\n'],
  );
  const bad = run('journal', 'list', 'nothing');
  assert.deepEqual([bad.status, bad.stdout], [ExitCode.unreachable, '']);
  assert.match(bad.stderr, /^error: AEP_STORE_MISSING: /);
});

test('an export to a slow pipe is complete and warns of nothing', () => {
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', `"${process.execPath}" "${main}" journal export long/ledger | (sleep 1; cat) | wc -l`],
    { cwd, encoding: 'utf8', timeout: 30_000 },
  );
  const exported = /^([\d,]+) records exported; go on with --from \d+\n$/.exec(stderr);
  assert.ok(exported !== null, stderr);
  assert.equal(Number(stdout), Number(exported[1]!.replaceAll(',', '')));
});

test('a reader that has seen enough ends an export without an error', () => {
  const { stdout, stderr, status } = spawnSync(
    'sh',
    ['-c', `"${process.execPath}" "${main}" journal export long/ledger | head -1 | wc -l`],
    { cwd, encoding: 'utf8', timeout: 30_000 },
  );
  assert.deepEqual([Number(stdout), status], [1, 0]);
  assert.doesNotMatch(stderr, /EPIPE|error|Warning/);
});

test('SIGINT ends a command that follows, with exit code 0', async () => {
  const child = spawn(process.execPath, [main, 'journal', 'follow', 'ledger', '--from', '1'], { cwd });
  let lines = 0;
  child.stdout.on('data', (data: Buffer) => {
    lines += data.toString().split('\n').length - 1;
    if (lines === 5) child.kill('SIGINT');
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual([status, lines], [ExitCode.ok, 5]);
});
