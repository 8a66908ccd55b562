import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ExitCode } from '@aep/cli';
import { SystemClock } from '@aep/kernel';
import { aep, aepJson, type Outcome, scratchDirectory, type TestIo } from './test-io.js';
import { overHttp, RunningXvm } from './running-xvm.js';

const scratch = scratchDirectory();
const cwd = scratch.path;
const TOKEN = 'a-token-of-32-characters-or-more';
let xvm: RunningXvm;

/** Commands find the xvm, its port and its token through the model. */
const call = (...argv: string[]): Promise<Outcome> => aep(cwd, [...argv, '--model', 'model.xml'], overHttp);
const callJson = <T>(...argv: string[]): Promise<T> => aepJson<T>(cwd, [...argv, '--model', 'model.xml'], overHttp);
const deposit = (account: string, amount: number): Promise<Outcome> =>
  call('send', '-c', 'deposits', '-t', 'ledger.Deposit', '--message', JSON.stringify({ account, amount }));

async function eventually<T>(look: () => Promise<T>, isDone: (found: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (isDone(found) || tries > 200) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

before(async () => {
  xvm = await RunningXvm.start(cwd, { token: TOKEN });
});
after(async () => {
  await xvm.stop();
  scratch.remove();
});

test('a message that is sent is handled: state and journal show it while the xvm runs', async () => {
  const { exitCode, out } = await deposit('alice', 5);
  assert.deepEqual([exitCode, out], [ExitCode.ok, 'ledger received ledger.Deposit as if from deposits\n']);
  const total = await eventually(
    () => callJson<{ total: number }>('command', 'total'),
    ({ total }) => total === 5,
  );
  assert.deepEqual(total, { total: 5 });
  const state = await callJson<{ entries: unknown[] }>('state', 'show', '-c', 'accounts');
  assert.deepEqual(state.entries, [{ collection: 'accounts', key: 'alice', value: { balance: 5 } }]);
});

test('a message from a file and from the standard input is sent as well', async () => {
  writeFileSync(join(cwd, 'deposit.json'), '{"account":"bob","amount":1}');
  const file = await call('send', '-c', 'deposits@bank', '-t', 'ledger.Deposit', '--file', 'deposit.json', '--json');
  assert.equal((JSON.parse(file.out) as { ok: boolean }).ok, true);
  const stdin = await aep(
    cwd,
    ['send', '-c', 'deposits', '-t', 'ledger.Deposit', '--file', '-', '--model', 'model.xml'],
    (io: TestIo) => {
      overHttp(io);
      io.stdin = '{"account":"bob","amount":2}';
    },
  );
  assert.equal(stdin.exitCode, ExitCode.ok);
  const { total } = await eventually(
    () => callJson<{ total: number }>('command', 'total', 'least=4'),
    () => true,
  );
  assert.equal(total, 5);
});

test('on a channel that the app only sends on, the message is sent, and the same idempotency key sends once', async () => {
  const send = () =>
    call(
      'send',
      '-c',
      'events',
      '-t',
      'ledger.Deposited',
      '--message',
      '{"account":"once"}',
      '--idempotency-key',
      'k1',
    );
  const { exitCode, out } = await send();
  assert.deepEqual([exitCode, out], [ExitCode.ok, 'ledger sent ledger.Deposited on events\n']);
  assert.equal((await send()).exitCode, ExitCode.ok);
  const records = await callJson<unknown[]>('journal', 'list', '--where', 'account=once', '--channel', 'events');
  assert.equal(records.length, 1);
});

test('a message for handlers of the app itself takes no idempotency key', async () => {
  const { exitCode, err } = await call(
    'send',
    '-c',
    'deposits',
    '-t',
    'ledger.Deposit',
    '--message',
    '{}',
    '--idempotency-key',
    'k2',
  );
  assert.equal(exitCode, ExitCode.inputInvalid);
  assert.match(err, /AEP_ADMIN_REQUEST_INVALID: app "ledger" receives from deposits@bank itself/);
});

test('a message of an unknown type, on an unknown channel, or that does not fit its type is refused with the nearest name', async () => {
  const type = await call('send', '-c', 'deposits', '-t', 'ledger.Deposti', '--message', '{}');
  assert.equal(type.exitCode, ExitCode.inputInvalid);
  assert.match(type.err, /AEP_MESSAGE_TYPE_UNKNOWN: .*did you mean "ledger\.Deposit"/);
  const channel = await call('send', '-c', 'deposit', '-t', 'ledger.Deposit', '--message', '{}');
  assert.match(channel.err, /AEP_CHANNEL_UNKNOWN: no app here uses channel "deposit" \(did you mean "deposits"\?\)/);
  const field = await call('send', '-c', 'deposits', '-t', 'ledger.Deposit', '--message', '{"amount":"much"}');
  assert.match(field.err, /AEP_JSON_INVALID/);
});

test('commands of an app are listed with their options and called with them', async () => {
  const { out } = await call('command');
  assert.match(out, /^total \[--least <number>\] \[--loud\]\n {4}sum of all balances$/m);
  const loud = await call('command', 'total', '--least', '1000', '--loud');
  assert.equal(loud.out, '0!\n');
  const equal = await call('command', 'total', '--least=1000', 'loud=true');
  assert.equal(equal.out, '0!\n');
});

test('a mistyped command or option of an app is answered with the nearest', async () => {
  const command = await call('command', 'totl');
  assert.equal(command.exitCode, ExitCode.inputInvalid);
  assert.match(command.err, /AEP_CLI_NAME_UNKNOWN: the app has no command "totl" \(did you mean "total"\?\)/);
  const option = await call('command', 'total', '--lest', '3');
  assert.equal(option.exitCode, ExitCode.usage);
  assert.match(option.err, /command "total" has no option "lest" \(did you mean "least"\?\)/);
  const value = await call('command', 'total', '--least');
  assert.match(value.err, /--least needs a value/);
  const type = await call('command', 'total', '--least', 'many');
  assert.match(type.err, /AEP_COMMAND_ARGUMENTS/);
});

test('statistics have a row per app with rates', async () => {
  const { out } = await call('stats', '--interval', '50');
  const [head, titles, row] = out.split('\n');
  assert.match(head!, /^xvm main {2}started {2}up \d/);
  assert.match(titles!, /^APP +STATE +TX +TX\/S/);
  assert.match(row!, /^ledger +started +\d/);
  const watched = await call('stats', '--watch', '--count', '2', '--interval', '50', '--json');
  const looks = watched.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { apps: { rates: { transactions: number } }[] });
  assert.deepEqual(
    looks.map(({ apps }) => apps.length),
    [1, 1],
  );
});

test('watching ends when it is interrupted', async () => {
  const outcome = await aep(cwd, ['stats', '--watch', '--interval', '60000', '--model', 'model.xml'], (io) => {
    overHttp(io);
    setTimeout(() => io.interrupt(), 50);
  });
  assert.deepEqual(outcome, { exitCode: ExitCode.ok, out: '', err: '' });
});

test('dead letters of a running app are listed, shown, replayed as they are, and replayed edited', async () => {
  await deposit('carol', 13);
  await deposit('dave', 13);
  type Letter = { id: number; error: string; origin: string };
  const online = () =>
    aepJson<Letter[]>(cwd, ['dead-letters', 'list', '--admin', xvm.url], (io) => {
      overHttp(io);
      io.env = { AEP_ADMIN_TOKEN: TOKEN };
    });
  const letters = await eventually(online, (found) => found.length === 2);
  assert.equal(letters.length, 2);
  assert.match(letters[0]!.error, /13 is unlucky/);
  assert.deepEqual(
    (await callJson<Letter[]>('dead-letters', 'list')).map(({ id }) => id),
    letters.map(({ id }) => id),
    'the store beside the running app shows the same',
  );
  const [first, second] = letters.map(({ id }) => String(id)) as [string, string];

  const shown = await aepJson<{ message: unknown }>(cwd, ['dead-letters', 'show', first, '--admin', xvm.url], (io) => {
    overHttp(io);
    io.env = { AEP_ADMIN_TOKEN: TOKEN };
  });
  assert.deepEqual(shown.message, { account: 'carol', amount: 13 });

  const dry = await call('dead-letters', 'replay', '--all', '--dry-run');
  assert.equal(dry.out, `would be replayed: ${first}\nwould be replayed: ${second}\n`);

  writeFileSync(join(cwd, 'fixed.json'), '{"account":"carol","amount":12}');
  const edited = await call('dead-letters', 'replay', first, '--edit', 'fixed.json');
  assert.deepEqual([edited.exitCode, edited.out], [ExitCode.ok, `replayed ${first} with the message of fixed.json\n`]);
  await call('command', 'forgive');
  const replayed = await call('dead-letters', 'replay', second);
  assert.deepEqual([replayed.exitCode, replayed.out], [ExitCode.ok, `replayed ${second}\n`]);
  const carol = await eventually(
    () => call('state', 'show', '-c', 'accounts', '-k', 'carol'),
    ({ exitCode }) => exitCode === ExitCode.ok,
  );
  assert.equal(carol.out, '{"balance":12}\n');
});

test('an id that is no dead letter is named, and the exit code says so', async () => {
  const { exitCode, out } = await call('dead-letters', 'discard', '999999');
  assert.deepEqual([exitCode, out], [ExitCode.problemsFound, 'missing 999999: there is no such dead letter\n']);
});

test('without the right token the xvm answers nothing', async () => {
  for (const [token, hint] of [
    [undefined, 'set AEP_ADMIN_TOKEN'],
    ['wrong', 'check AEP_ADMIN_TOKEN'],
  ] as const) {
    const { exitCode, err } = await aep(cwd, ['stats', '--admin', xvm.url], (io) => {
      overHttp(io);
      io.env = { AEP_ADMIN_TOKEN: token };
    });
    assert.equal(exitCode, ExitCode.unreachable);
    assert.match(err, new RegExp(`AEP_CLI_ADMIN_REFUSED: .*${hint}`));
  }
});

test('the journal is followed while the app writes it', async () => {
  const before = await callJson<{ txId: number }[]>('journal', 'list', '--last', '1');
  const from = before[0]!.txId + 1;
  const following = aep(
    cwd,
    ['journal', 'follow', '--from', String(from), '--limit', '1', '--json', '--model', 'model.xml'],
    (io) => {
      io.clock = new SystemClock();
    },
  );
  // Timers of the clock do not keep a process alive; as main.ts does, the test does.
  const keepAlive = setInterval(() => {}, 1_000);
  await deposit('erin', 3);
  const { out } = await following;
  clearInterval(keepAlive);
  assert.equal((JSON.parse(out) as { txId: number }).txId, from);
});

test('a run says what it started, and SIGTERM stops it in order with exit code 0', async () => {
  const other = scratchDirectory();
  const run = await RunningXvm.start(other.path);
  const { exitCode, out } = await run.stop('SIGINT');
  assert.equal(exitCode, ExitCode.ok);
  assert.match(out, /^xvm main runs 1 app \(process \d+\)$/m);
  assert.match(out, /^ledger +started +primary +started +os +0 +deposits@bank events@bank$/m);
  assert.match(out, /^admin server: http:\/\/127\.0\.0\.1:\d+$/m);
  other.remove();
});

test('a run of an app that the model does not have is invalid input', async () => {
  const run = await RunningXvm.start(cwd, { flags: ['--app', 'leger'] });
  const { exitCode } = await run.stop();
  assert.equal(exitCode, ExitCode.inputInvalid);
});
