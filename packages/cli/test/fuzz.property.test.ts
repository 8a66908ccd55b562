import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ExitCode } from '@aep/cli';
import { SeededRandom } from '@aep/kernel';
import { ledgerModel, TYPES_MODULE, writeLedger } from './ledger-store.js';
import { aep, scratchDirectory } from './test-io.js';

const seed = Number(process.env['AEP_SEED'] ?? 20_261);
const RUNS = 500;
const scratch = scratchDirectory();
// A level deeper, so that `--out ..` stays in the scratch directory.
const cwd = join(scratch.path, 'work');
before(async () => {
  await writeLedger(cwd);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'model.xml'), ledgerModel({ adminPort: 7500 }));
  writeFileSync(join(cwd, 'broken.xml'), '<model><apps><app name="a"');
  writeFileSync(join(cwd, 'broken.json'), '{"apps": [{"name": 7}]}');
  writeFileSync(join(cwd, 'a.proto'), 'syntax = "proto3"; message A { B b = 1; }');
});
after(() => scratch.remove());

/** Command lines that work, or nearly; each is changed at random. */
const BASES: readonly (readonly string[])[] = [
  ['validate', 'model.xml'],
  ['validate', 'broken.xml'],
  ['config', 'print', 'model.xml', '--origin'],
  ['generate', 'a.proto', '--out', 'gen'],
  ['schema', 'check', 'a.proto', 'a.proto'],
  ['send', '--admin', 'http://127.0.0.1:1', '--channel', 'c', '--type', 't', '--message', '{}'],
  ['command', 'total', '--least', '3', '--admin', 'http://127.0.0.1:1'],
  ['stats', '--model', 'model.xml', '--watch'],
  ['journal', 'list', 'ledger', '--types', TYPES_MODULE, '--where', 'account=alice'],
  ['journal', 'list', '--model', 'model.xml', '--app', 'ledger', '--data', '.'],
  ['journal', 'show', '3', 'ledger'],
  ['journal', 'follow', 'ledger', '--from', '1'],
  ['journal', 'verify', 'ledger', 'nothing'],
  ['journal', 'replay', 'ledger', '--into', 'ledger'],
  ['journal', 'export', 'ledger', '--from', '2', '--to', '4'],
  ['state', 'show', 'ledger', '--types', TYPES_MODULE, '--collection', 'accounts', '--key', 'bob'],
  ['state', 'diff', 'ledger', '1', '3', '--types', TYPES_MODULE],
  ['dead-letters', 'list', 'ledger', '--type', 'ledger.Deposit'],
  ['dead-letters', 'show', '4', 'ledger'],
  ['dead-letters', 'replay', '4', '--admin', 'http://127.0.0.1:1'],
  ['dead-letters', 'discard', '--all', '--dry-run', '--admin', 'http://127.0.0.1:1'],
  ['doctor', '--data', '.', '--model', 'model.xml'],
  ['completion', 'bash'],
  ['run', 'broken.xml'],
];
const FLAGS = [
  '--json',
  '--debug',
  '--help',
  '--no-color',
  '--from',
  '--to',
  '--limit',
  '--last',
  '--at',
  '--key',
  '--collection',
  '--type',
  '--where',
  '--channel',
  '--types',
  '--app',
  '--model',
  '--admin',
  '--xvm',
  '--data',
  '--all',
  '--dry-run',
  '--edit',
  '--out',
  '--check',
  '--root',
  '--profile',
  '--set',
  '--origin',
  '--message',
  '--file',
  '--watch',
  '--count',
  '--interval',
  '-n',
  '-k',
  '--',
  '-x',
  '--=',
  '--json=1',
];
const WORDS = [
  'ledger',
  'broken.xml',
  'broken.json',
  'a.proto',
  'nothing',
  '.',
  '..',
  '',
  '0',
  '1',
  '3',
  '99999999999999999999',
  '-1',
  '1.5',
  'NaN',
  'accounts',
  'alice',
  '0x616c',
  '0x6',
  'account=alice',
  '=',
  'x=',
  '__proto__',
  'constructor',
  '{}',
  '{',
  '91:2',
  'ledger.Deposited',
  'http://127.0.0.1:1',
  'http://',
  '\u0000',
  '\u{1f600}',
  'a'.repeat(300),
  '%s',
  '$(x)',
  TYPES_MODULE,
  `${TYPES_MODULE}#Ledger`,
  `${TYPES_MODULE}#__proto__`,
  'bash',
];

test(`no command line makes an error that nobody foresaw (seed ${seed})`, async () => {
  const random = new SeededRandom(seed);
  const pick = (from: readonly string[]): string => from[random.below(from.length)]!;
  const known = new Set<number>(Object.values(ExitCode));
  const met = new Set<number>();
  for (let run = 0; run < RUNS; run++) {
    const base = BASES[random.below(BASES.length)]!;
    const argv = [...base];
    // `run` with a good model would run it.
    const words = base[0] === 'run' ? WORDS : [...WORDS, 'model.xml'];
    for (let change = random.below(4); change > 0; change--) {
      const at = random.below(argv.length + 1);
      const token = pick(random.below(2) === 0 ? FLAGS : words);
      argv.splice(at, random.below(2), ...(random.below(4) === 0 ? [] : [token]));
    }
    const { exitCode, err } = await aep(cwd, argv, (io) => {
      io.interrupt(); // what would wait does not
    });
    const shown = `seed ${seed}, run ${run}: aep ${JSON.stringify(argv)}: exit ${exitCode}, ${err.slice(0, 500)}`;
    assert.ok(known.has(exitCode), shown);
    assert.doesNotMatch(err, /AEP_CLI_UNEXPECTED|AEP_ASSERTION/, shown);
    if (exitCode > ExitCode.problemsFound && argv.length > 1) assert.match(err, /AEP_[A-Z]|^Usage:/, shown);
    met.add(exitCode);
  }
  // The words are chosen so that all kinds of ends are met; a fuzz that only meets usage errors tests the parser alone.
  assert.ok(
    [0, 1, 2, 3, 4].every((exitCode) => met.has(exitCode)),
    `met only ${[...met].join(', ')}`,
  );
});
