import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ExitCode } from '@aep/cli';
import { ledgerModel, TYPES_MODULE, writeLedger } from './ledger-store.js';
import { aep, aepJson, codeOf, scratchDirectory, type TestIo } from './test-io.js';

const scratch = scratchDirectory();
const cwd = scratch.path;
before(() => writeLedger(cwd));
after(() => scratch.remove());
writeFileSync(join(cwd, 'model.xml'), ledgerModel());

const app = (name: string) => ({
  name,
  state: 'started',
  messaging: 'started',
  role: 'primary',
  statistics: { lastTxId: 1, stableTxId: 1, inboundQueued: 0, inFlight: 0, inDoubt: 0, counters: {} },
});
const answering = (status: number, body: unknown) => (io: TestIo) => {
  io.answer = () => ({ status, text: typeof body === 'string' ? body : JSON.stringify(body) });
};

test('an xvm that does not answer is unreachable, and the error says where it was looked for', async () => {
  const outcome = await aep(cwd, ['stats', '--admin', 'localhost:7500']);
  const { exitCode, err } = outcome;
  assert.deepEqual([exitCode, codeOf(outcome)], [ExitCode.unreachable, 'AEP_CLI_ADMIN_UNREACHABLE']);
  assert.match(
    err,
    /^error: AEP_CLI_ADMIN_UNREACHABLE: no xvm answers at http:\/\/localhost:7500: connect ECONNREFUSED; is it running/,
  );
});

test('an answer that takes too long is none', async () => {
  const { exitCode, err } = await aep(cwd, ['stats', '--admin', 'localhost:7500'], (io) => {
    io.answer = () => Promise.reject(new DOMException('timed out', 'TimeoutError'));
  });
  assert.equal(exitCode, ExitCode.unreachable);
  assert.match(err, /no answer within 30000 ms/);
});

test('a server that is no xvm is told from one', async () => {
  const outcome = await aep(cwd, ['stats', '--admin', 'localhost:80'], answering(404, '<html>not found</html>'));
  const { exitCode, err } = outcome;
  assert.deepEqual([exitCode, codeOf(outcome)], [ExitCode.unreachable, 'AEP_CLI_ADMIN_REFUSED']);
  assert.match(
    err,
    /AEP_CLI_ADMIN_REFUSED: the server at http:\/\/localhost:80 answered 404 to \/status: is it the admin server of an xvm/,
  );
});

test('an answer of another shape is refused, whatever its status says', async () => {
  const status = { xvm: 'x', state: 'started', apps: [app('ledger')] };
  const cases: [string[], unknown[]][] = [
    [['stats'], [null, {}, 'text', { apps: 7 }, { apps: [null] }, { apps: [{ name: 'a', statistics: {} }] }]],
    [
      ['command', 'total'],
      [null, { ...status, commands: [{}] }, { ...status, commands: 7 }],
    ],
    [
      ['dead-letters', 'list'],
      [null, { ...status, deadLetters: [{}] }],
    ],
    [
      ['dead-letters', 'replay', '4'],
      [null, { ...status, matched: [4] }],
    ],
    [
      ['send', '--channel', 'c', '--type', 't', '--message', '{}'],
      [null, 7],
    ],
  ];
  for (const [argv, answers] of cases) {
    for (const answer of answers) {
      const outcome = await aep(cwd, [...argv, '--admin', 'localhost:80'], answering(200, answer));
      const shown = `${argv.join(' ')}: ${JSON.stringify(answer)}: ${outcome.err}`;
      assert.equal(codeOf(outcome), 'AEP_CLI_ADMIN_REFUSED', shown);
      assert.equal(outcome.exitCode, ExitCode.unreachable, shown);
    }
  }
});

test('the URL comes from --admin, else from the model, else from the environment', async () => {
  writeFileSync(join(cwd, 'admin.xml'), ledgerModel({ adminPort: 7777, token: 'token-of-the-model' }));
  const asked: { url: string; authorization: string | undefined }[] = [];
  const record = (io: TestIo): void => {
    io.env = { AEP_ADMIN_URL: 'http://env:1' };
    io.answer = ({ url, headers }) => {
      asked.push({ url, authorization: headers['authorization'] });
      return { status: 500, text: '' };
    };
  };
  await aep(cwd, ['stats', '--admin', 'given:2/', '--model', 'admin.xml'], record);
  await aep(cwd, ['stats', '--model', 'admin.xml'], record);
  await aep(cwd, ['stats'], record);
  assert.deepEqual(asked, [
    { url: 'http://given:2/status', authorization: undefined },
    { url: 'http://127.0.0.1:7777/status', authorization: 'Bearer token-of-the-model' },
    { url: 'http://env:1/status', authorization: undefined },
  ]);
});

test('an xvm has to be named, and a model without an admin port says so', async () => {
  for (const [argv, hint] of [
    [['stats'], /which xvm\? Give --admin URL/],
    [['stats', '--model', 'model.xml'], /xvm "main" has no admin server in model\.xml/],
    [['stats', '--admin', 'http://:::'], /"http:\/\/:::" is no URL/],
    [['stats', '--model', 'model.xml', '--xvm', 'mian'], /./],
  ] as const) {
    const { exitCode, err } = await aep(cwd, argv);
    assert.ok(exitCode === ExitCode.usage || exitCode === ExitCode.inputInvalid);
    assert.match(err, hint);
  }
});

test('with several apps one has to be named', async () => {
  const { exitCode, err } = await aep(
    cwd,
    ['command', '--admin', 'x:1'],
    answering(200, { xvm: 'main', state: 'started', apps: [app('orders'), app('ledger')] }),
  );
  assert.equal(exitCode, ExitCode.usage);
  assert.match(err, /the xvm runs 2 apps \(orders, ledger\): name one with --app/);
  const wrong = await aep(
    cwd,
    ['command', '--admin', 'x:1', '--app', 'order'],
    answering(200, { xvm: 'main', state: 'started', apps: [app('orders')] }),
  );
  assert.match(wrong.err, /app "order" is not known \(did you mean "orders"\?\)/);
});

test('a message that is no JSON, or is given twice or not at all, is refused before anything is sent', async () => {
  for (const [flags, code, exit] of [
    [['--message', '{account:1}'], 'AEP_CLI_JSON', ExitCode.inputInvalid],
    [['--message', '{}', '--file', 'x.json'], 'AEP_CLI_USAGE', ExitCode.usage],
    [[], 'AEP_CLI_USAGE', ExitCode.usage],
    [['--file', 'nothing.json'], 'AEP_CLI_FILE', ExitCode.unreachable],
  ] as const) {
    const asked: string[] = [];
    const { exitCode, err } = await aep(
      cwd,
      ['send', '-c', 'deposits', '-t', 'ledger.Deposit', '--admin', 'x:1', ...flags],
      (io) => {
        io.answer = ({ url }) => {
          asked.push(url);
          return { status: 500, text: '' };
        };
      },
    );
    assert.deepEqual([exitCode, asked], [exit, []]);
    assert.match(err, new RegExp(`^error: ${code}: `));
  }
});

test('dead letters of a store are listed and shown without a running xvm', async () => {
  const { out, err } = await aep(cwd, ['dead-letters', 'list', 'ledger']);
  assert.match(
    out,
    /^ 4 {2}\S+Z {2}ledger\.Deposit {2}injected:ledger\.Deposit +1 {2}AEP_HANDLER_FAILED {2}LedgerApp\.onDeposit threw Error: 13 is unlucky$/m,
  );
  assert.equal(err, '1 dead letter\n');
  const decoded = await aep(cwd, ['dead-letters', 'show', '4', 'ledger', '--types', TYPES_MODULE]);
  assert.match(decoded.out, /"account": "carol"/);
  const bytes = await aep(cwd, ['dead-letters', 'show', '4', 'ledger']);
  assert.match(bytes.out, /^ {2}bytes {5}0a056361726f6c100d \(not decoded: /m);
});

test('dead letters of a store are filtered, and one that is not there is refused', async () => {
  assert.deepEqual(await aepJson(cwd, ['dead-letters', 'list', 'ledger', '--type', 'ledger.Other']), []);
  assert.equal(
    (await aepJson<unknown[]>(cwd, ['dead-letters', 'list', 'ledger', '--reason', 'AEP_HANDLER_FAILED'])).length,
    1,
  );
  const { exitCode, err } = await aep(cwd, ['dead-letters', 'show', '3', 'ledger']);
  assert.equal(exitCode, ExitCode.inputInvalid);
  assert.match(err, /AEP_DEAD_LETTER_UNKNOWN/);
});

test('what is to be replayed has to be said, and only once', async () => {
  for (const args of [
    [],
    ['1', '--all'],
    ['1', '--type', 'x'],
    ['one'],
    ['--all', '--edit', 'x.json'],
    ['1', '2', '--edit', 'x.json'],
    ['0'],
  ]) {
    const { exitCode } = await aep(cwd, ['dead-letters', 'replay', ...args, '--admin', 'x:1']);
    assert.equal(exitCode, ExitCode.usage, args.join(' '));
  }
});

test('a replay that fails is reported with its code, and the exit code says so', async () => {
  const { exitCode, out } = await aep(cwd, ['dead-letters', 'replay', '--all', '--admin', 'x:1'], (io) => {
    io.answer = ({ url, body }) => {
      if (url.endsWith('/status'))
        return { status: 200, text: JSON.stringify({ xvm: 'main', state: 'started', apps: [app('ledger')] }) };
      assert.deepEqual(JSON.parse(body!), { all: true, limit: 10_000 });
      return {
        status: 200,
        text: JSON.stringify({
          matched: [4, 9],
          done: [9],
          failed: [{ id: 4, code: 'AEP_HANDLER_FAILED', message: 'again' }],
        }),
      };
    };
  });
  assert.deepEqual([exitCode, out], [ExitCode.problemsFound, 'replayed 9\nfailed 4: AEP_HANDLER_FAILED: again\n']);
});
