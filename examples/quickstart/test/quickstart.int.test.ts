import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

test('the application of the README keeps its state from one run to the next', () => {
  const directory = mkdtempSync(join(tmpdir(), 'aep-quickstart-'));
  try {
    for (const pence of [250, 500]) {
      const run = spawnSync(process.execPath, [join(root, 'dist', 'main.js'), directory], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      assert.equal(run.stdout, `alice has ${pence} pence\n`, run.stderr);
      assert.equal(run.status, 0);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('the README shows this application as it is', () => {
  const readme = readFileSync(join(root, '..', '..', 'README.md'), 'utf8');
  assert.ok(
    readme.includes(readFileSync(join(root, 'src', 'main.ts'), 'utf8').trim()),
    'copy src/main.ts into README.md',
  );
});
