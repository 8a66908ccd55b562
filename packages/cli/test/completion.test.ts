import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ExitCode } from '@aep/cli';
import { aep, scratchDirectory } from './test-io.js';

const scratch = scratchDirectory();
after(() => scratch.remove());
const cwd = scratch.path;

/** What bash would offer for the last of these words. */
async function offered(...words: string[]): Promise<string[]> {
  const { out } = await aep(cwd, ['completion', 'bash']);
  writeFileSync(join(cwd, 'completion.bash'), out);
  const script = `source completion.bash; COMP_WORDS=(${['aep', ...words].map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _aep; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, status, stderr } = spawnSync('bash', ['--norc', '-c', script], { cwd, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes commands, commands of a group, and options', async () => {
  assert.deepEqual(await offered('jour'), ['journal']);
  assert.deepEqual((await offered('journal', 'e')).toSorted(), ['export']);
  assert.deepEqual(await offered('journal', 'list', '--coll'), ['--collection']);
  assert.deepEqual(await offered('--json', 'journal', 'list', '--la'), ['--last']);
  assert.deepEqual(await offered('validate', '--js'), ['--json']);
});

test('bash completes files where a command takes them', async () => {
  writeFileSync(join(cwd, 'model.xml'), '');
  assert.deepEqual(await offered('validate', 'mod'), ['model.xml']);
});

test('zsh and fish get scripts with every command, and text with quotes does not break them', async () => {
  for (const shell of ['zsh', 'fish']) {
    const { exitCode, out } = await aep(cwd, ['completion', shell]);
    assert.equal(exitCode, ExitCode.ok);
    for (const command of ['journal', 'dead-letters', 'doctor', 'follow']) assert.ok(out.includes(command));
    assert.equal((out.match(/'/g) ?? []).length % 2, 0);
  }
});

test('a shell that is not known is refused with those that are', async () => {
  const { exitCode, err } = await aep(cwd, ['completion', 'tcsh']);
  assert.equal(exitCode, ExitCode.usage);
  assert.match(err, /Allowed choices are bash, zsh, fish/);
});
