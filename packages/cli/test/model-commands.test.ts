import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ExitCode } from '@aep/cli';
import { ledgerModel } from './ledger-store.js';
import { aep, aepJson, scratchDirectory } from './test-io.js';

const scratch = scratchDirectory();
after(() => scratch.remove());
const cwd = scratch.path;
writeFileSync(join(cwd, 'model.xml'), ledgerModel({ adminPort: 7500, token: 'a-very-secret-token' }));
const BROKEN = `<model>
  <buses><bus name="bank" descriptor="loopback://x" prot="1"><channels><channel name="deposits" qos="Sure"/></channels></bus></buses>
  <apps><app name="a" mainClass="./a.js#A"><messaging><buses><bus name="bnak"/></buses></messaging></app></apps>
</model>`;
writeFileSync(join(cwd, 'broken.xml'), BROKEN);

test('a good model is reported in one line', async () => {
  assert.deepEqual(await aep(cwd, ['validate', 'model.xml']), {
    exitCode: ExitCode.ok,
    out: 'ok model.xml: 1 bus, 1 app, 1 xvm\n',
    err: '',
  });
});

test('all problems of a model come in one run, each with file, line and column, and the exit code says that there are some', async () => {
  const { exitCode, out, err } = await aep(cwd, ['validate', 'broken.xml']);
  assert.equal(exitCode, ExitCode.problemsFound);
  const lines = out.trimEnd().split('\n');
  assert.equal(lines.length, 3);
  for (const line of lines) assert.match(line, /^broken\.xml:\d+:\d+ .*\[AEP_MODEL_[A-Z_]+\]$/);
  assert.match(out, /did you mean "bank"/);
  assert.equal(err, 'broken.xml: 3 problems\n');
});

test('problems as JSON have place and code of each', async () => {
  const report = await aepJson<{ ok: boolean; problems: { line: number; code: string }[] }>(cwd, [
    'validate',
    'broken.xml',
  ]);
  assert.equal(report.ok, false);
  assert.deepEqual(
    report.problems.map(({ line }) => line),
    [2, 2, 3],
  );
});

test('a model that is not there cannot be opened', async () => {
  const { exitCode, out, err } = await aep(cwd, ['validate', 'modle.xml']);
  assert.equal(exitCode, ExitCode.unreachable);
  assert.equal(out, '');
  assert.equal(err, 'error: AEP_CLI_FILE: modle.xml cannot be read: there is no such file or directory\n');
});

test('a broken model is invalid input for every other command', async () => {
  const { exitCode, err } = await aep(cwd, ['config', 'print', 'broken.xml']);
  assert.equal(exitCode, ExitCode.inputInvalid);
  assert.match(err, /^error: AEP_MODEL_INVALID: broken\.xml: 3 problems/);
});

test('the configuration shows every value, where it came from, and no secret', async () => {
  const { out } = await aep(cwd, [
    'config',
    'print',
    'model.xml',
    '--origin',
    '--profile',
    'cautious',
    '--set',
    'x.apps.ledger.limits.timersMax=10',
  ]);
  assert.match(out, /^x\.apps\.ledger\.policies\.retriesMax = "5" {2}# model\.xml:\d+:\d+ \(profile "cautious"\)$/m);
  assert.match(out, /^x\.apps\.ledger\.limits\.timersMax = "10" {2}# override x\.apps\.ledger\.limits\.timersMax$/m);
  assert.match(out, /^x\.xvms\.main\.admin\.token = \(secret\)/m);
  assert.doesNotMatch(out, /a-very-secret-token/);
});

test('the configuration as JSON shows no secret either, with origins and without', async () => {
  for (const flags of [[], ['--origin']]) {
    const { out } = await aep(cwd, ['config', 'print', 'model.xml', '--json', ...flags]);
    assert.match(out, /\(secret\)/);
    assert.doesNotMatch(out, /a-very-secret-token/);
    JSON.parse(out);
  }
});

test('an override without a value is a wrong command line', async () => {
  const { exitCode, err } = await aep(cwd, ['validate', 'model.xml', '--set', 'timersMax']);
  assert.equal(exitCode, ExitCode.usage);
  assert.match(err, /--set takes setting=value, got "timersMax"/);
});

test('variables of the environment count', async () => {
  const { out } = await aep(cwd, ['config', 'print', 'model.xml', '--origin'], (io) => {
    io.env = { X_APPS_LEDGER_POLICIES_RETRIES_MAX: '9' };
  });
  assert.match(out, /retriesMax = "9" {2}# environment X_APPS_LEDGER_POLICIES_RETRIES_MAX/);
});
