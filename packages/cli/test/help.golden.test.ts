import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { ExitCode } from '@aep/cli';
import { aep } from './test-io.js';

/** `node --test … -- --rewrite` is not passed on by the runner, so: AEP_REWRITE=1. The diff is read. */
const isRewrite = process.env['AEP_REWRITE'] === '1';
const golden = fileURLToPath(new URL('../../test/golden/help.txt', import.meta.url));

const COMMANDS: readonly (readonly string[])[] = [
  [],
  ['run'],
  ['validate'],
  ['config'],
  ['config', 'print'],
  ['generate'],
  ['schema'],
  ['schema', 'check'],
  ['send'],
  ['command'],
  ['stats'],
  ['cluster'],
  ['cluster', 'status'],
  ['cluster', 'members'],
  ['cluster', 'switch'],
  ['cluster', 'promote'],
  ['dead-letters'],
  ['dead-letters', 'list'],
  ['dead-letters', 'show'],
  ['dead-letters', 'replay'],
  ['dead-letters', 'discard'],
  ['journal'],
  ['journal', 'list'],
  ['journal', 'show'],
  ['journal', 'follow'],
  ['journal', 'verify'],
  ['journal', 'replay'],
  ['journal', 'export'],
  ['state'],
  ['state', 'show'],
  ['state', 'diff'],
  ['doctor'],
  ['completion'],
];

test('the help of every command is what was read and agreed to', async () => {
  const parts: string[] = [];
  for (const command of COMMANDS) {
    const argv = [...command, '--help'];
    const { exitCode, out, err } = await aep('/', argv);
    assert.deepEqual([exitCode, err], [ExitCode.ok, '']);
    parts.push(`$ aep ${argv.join(' ')}\n----\n${out}`);
  }
  const text = parts.join('\n');
  if (isRewrite || !existsSync(golden)) writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, 'utf8'));
});

test('every command and every group of commands is in the golden help, and every command has an example', async () => {
  const text = readFileSync(golden, 'utf8');
  for (const command of COMMANDS) {
    const { out } = await aep('/', [...command, '--help']);
    const section = /\nCommands:\n([\s\S]*?)\n(?:\n|$)/.exec(out)?.[1] ?? '';
    const names = [...section.matchAll(/^ {2}([a-z-]+)/gm)].map((match) => match[1]!);
    const listed = names.filter((name) => name !== 'help');
    for (const name of listed) assert.ok(text.includes(`$ aep ${[...command, name].join(' ')} --help`), name);
    if (command.length > 0 && listed.length === 0) assert.match(out, /\nExamples:\n {2}(aep|source)/);
  }
});

test('without a command the help is shown; a group without its command says on stderr what there is', async () => {
  const alone = await aep('/', []);
  assert.deepEqual([alone.exitCode, alone.out.startsWith('Usage: aep')], [ExitCode.ok, true]);
  const group = await aep('/', ['journal']);
  assert.deepEqual([group.exitCode, group.out, group.err.startsWith('Usage: aep journal')], [ExitCode.usage, '', true]);
});
