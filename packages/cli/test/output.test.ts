import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ExitCode } from '@aep/cli';
import { CLI_VERSION } from '@aep/cli/internal';
import { VirtualClock } from '@aep/kernel';
import { writeLedger } from './ledger-store.js';
import { aep, codeOf, scratchDirectory, type TestIo } from './test-io.js';

const scratch = scratchDirectory();
const cwd = scratch.path;
before(() => writeLedger(cwd));
after(() => scratch.remove());
const VERIFY = ['journal', 'verify', 'ledger'];
const ESCAPE = '\u001b';

function atTerminal(io: TestIo): void {
  io.stdout.isTty = true;
  io.stderr.isTty = true;
}

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  assert.equal(CLI_VERSION, version);
  assert.deepEqual(await aep(cwd, ['--version']), { exitCode: ExitCode.ok, out: `${version}\n`, err: '' });
});

test('colours are for terminals', async () => {
  assert.ok(!(await aep(cwd, VERIFY)).out.includes(ESCAPE));
  assert.ok((await aep(cwd, VERIFY, atTerminal)).out.includes(ESCAPE));
});

test('NO_COLOR, a dumb terminal and --no-color turn colours off', async () => {
  const withEnv = (env: Record<string, string>) => (io: TestIo) => {
    atTerminal(io);
    io.env = env;
  };
  assert.ok(!(await aep(cwd, VERIFY, withEnv({ NO_COLOR: '1' }))).out.includes(ESCAPE));
  assert.ok(!(await aep(cwd, VERIFY, withEnv({ TERM: 'dumb' }))).out.includes(ESCAPE));
  assert.ok(!(await aep(cwd, [...VERIFY, '--no-color'], atTerminal)).out.includes(ESCAPE));
  assert.ok((await aep(cwd, VERIFY, withEnv({ NO_COLOR: '' }))).out.includes(ESCAPE));
});

test('JSON has no colours, is one line in a pipe and indented at a terminal', async () => {
  const piped = await aep(cwd, [...VERIFY, '--json']);
  assert.equal(piped.out.split('\n').length, 2);
  const shown = await aep(cwd, [...VERIFY, '--json'], atTerminal);
  assert.ok(shown.out.split('\n').length > 5 && !shown.out.includes(ESCAPE));
});

test('a table is cut to the width of the terminal, and not in a pipe', async () => {
  const narrow = await aep(cwd, ['journal', 'list', 'ledger'], (io) => {
    io.stdout.columns = 40;
  });
  for (const line of narrow.out.trimEnd().split('\n')) assert.ok(line.length <= 40, line);
  assert.match(narrow.out, /…$/m);
  assert.doesNotMatch((await aep(cwd, ['journal', 'list', 'ledger'])).out, /…/);
});

test('progress of long work is drawn on stderr of a terminal only, and removed at the end', async () => {
  const directory = join(cwd, 'long');
  await writeLedger(
    directory,
    Array.from({ length: 40 }, (_, index) => [`a${index}`, 20 + index] as const),
  );
  // Each look at the clock takes 200 ms, so that all of this is long work.
  class SlowClock extends VirtualClock {
    private looks = 0;
    override monotonicMs(): number {
      return ++this.looks * 200;
    }
    override defer(callback: () => void): void {
      setImmediate(callback);
    }
  }
  const slow = (isTty: boolean) => (io: TestIo) => {
    io.clock = new SlowClock();
    io.stderr.isTty = isTty;
  };
  const drawn = await aep(directory, VERIFY, slow(true));
  assert.match(drawn.err, /\rverifying|verifying \S+ \d+% \(\d+ of 40\)/);
  assert.ok(drawn.err.endsWith(`\r${ESCAPE}[K`));
  assert.equal((await aep(directory, VERIFY, slow(false))).err, '');
});

test('an error is one line with its code; with --debug it has its stack, with --json it is an object', async () => {
  const plain = await aep(cwd, ['journal', 'list', 'nothing']);
  assert.match(plain.err, /^error: AEP_STORE_MISSING: [^\n]+\n$/);
  assert.match((await aep(cwd, ['journal', 'list', 'nothing', '--debug'])).err, /\n +at /);
  const { out, err } = await aep(cwd, ['journal', 'list', 'nothing', '--json']);
  const { error } = JSON.parse(err) as { error: { code: string; facts: { path: string } } };
  assert.deepEqual([out, error.code, error.facts.path], ['', 'AEP_STORE_MISSING', join(cwd, 'nothing')]);
});

test('an error that nobody foresaw has a code too, and asks to be reported', async () => {
  const outcome = await aep(cwd, VERIFY, (io) => {
    io.stdout.write = () => {
      throw new TypeError('the stream is broken');
    };
  });
  const { exitCode, err } = outcome;
  assert.deepEqual([exitCode, codeOf(outcome)], [ExitCode.failed, 'AEP_CLI_UNEXPECTED']);
  assert.match(err, /^error: AEP_CLI_UNEXPECTED: the stream is broken; run it again with --debug/);
});

test('a wrong command line is answered with the nearest command or option', async () => {
  for (const [argv, nearest] of [
    [['journl'], 'journal'],
    [['journal', 'lst', 'x'], 'list'],
    [['journal', 'list', 'x', '--limt', '3'], '--limit'],
  ] as const) {
    const { exitCode, err } = await aep(cwd, argv);
    assert.equal(exitCode, ExitCode.usage);
    assert.match(
      err,
      new RegExp(`^error: AEP_CLI_USAGE: unknown (command|option) .*\\(Did you mean ${nearest}\\?\\)\n$`),
    );
  }
});

test('a number out of its range is refused with the range', async () => {
  const { exitCode, err } = await aep(cwd, ['journal', 'list', 'ledger', '--limit', '0']);
  assert.equal(exitCode, ExitCode.usage);
  assert.match(err, /Expected a whole number 1\.\.1000000/);
});

test('control characters of a message do not reach the terminal in a table', async () => {
  const directory = join(cwd, 'hostile');
  await writeLedger(directory, [['\u001b[2Jalice\nbob', 5]]);
  const { out } = await aep(directory, [
    'journal',
    'list',
    'ledger',
    '--types',
    new URL('./gen/ledger.js', import.meta.url).pathname,
  ]);
  assert.ok(!out.includes(ESCAPE));
  assert.match(out, /accounts\/\\x1b\[2Jalice\\x0abob/);
});
