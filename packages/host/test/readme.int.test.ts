import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ExitCode, startXvm } from '@aep/host';
import { silentLog } from '@aep/kernel';
import { tillWithoutServices } from './shop-variants.js';
import { sale, temporaryDir, testDir } from './shop.js';

const readme = readFileSync(join(testDir, '..', '..', 'README.md'), 'utf8');

test('the model of the README runs', async (context) => {
  const [, text] = /```xml\n([^]*?)```/.exec(readme)!;
  const dataDir = temporaryDir(context);
  const xvm = await startXvm({
    // Without the admin port, which another process may have.
    model: { text: text!.replace('7070', '0'), file: 'README.md' },
    dataDir,
    resolveExport: (reference) => (reference === './dist/till.js#TillApp' ? tillWithoutServices : undefined),
    log: silentLog,
  });
  await xvm.engine('till').inject(sale('tea', 1));
  assert.equal((await xvm.stop()).drained, true);
});

test('the README has every exit code', () => {
  const shown = [...readme.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap((match) => match[1]!.split(',').map(Number));
  assert.deepEqual(shown, Object.values(ExitCode));
});
