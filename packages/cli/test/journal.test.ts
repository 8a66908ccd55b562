import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ExitCode } from '@aep/cli';
import { tableChanges } from '@aep/store';
import { type LmdbStore, openLmdbStore } from '@aep/store-lmdb';
import { APP_MODULE, ledgerModel, TYPES_MODULE, writeLedger } from './ledger-store.js';
import { aep, aepJson, codeOf, scratchDirectory } from './test-io.js';

const scratch = scratchDirectory();
const cwd = scratch.path;
before(async () => {
  await writeLedger(join(cwd, 'data'));
  writeFileSync(join(cwd, 'model.xml'), ledgerModel());
});
after(() => scratch.remove());
const STORE = 'data/ledger';
const TYPES = ['--types', TYPES_MODULE];

interface Listed {
  readonly txId: number;
  readonly changes: readonly { collection: string; key?: string; value?: unknown; valueHex?: string }[];
  readonly outbound: readonly { channel: string; message: { type: string; content?: unknown; hex?: string } }[];
}

const list = (...flags: string[]): Promise<Listed[]> => aepJson<Listed[]>(cwd, ['journal', 'list', STORE, ...flags]);
const ids = async (...flags: string[]): Promise<number[]> => (await list(...flags)).map(({ txId }) => txId);

test('a journal without its types is listed as bytes', async () => {
  const [first] = await list();
  assert.deepEqual(first!.outbound[0]!.message.type, '91:2');
  assert.equal(first!.outbound[0]!.message.hex, '0a05616c6963651005');
  assert.ok(first!.changes.some(({ collection, valueHex }) => collection === 'table 1' && valueHex === '0805'));
});

test('with types given, messages and state are decoded', async () => {
  const [first] = await list(...TYPES);
  assert.deepEqual(first!.outbound[0]!.message.content, { account: 'alice', balance: 5 });
  const account = first!.changes.find(({ collection }) => collection === 'accounts');
  assert.deepEqual([account!.key, account!.value], ['alice', { balance: 5 }]);
});

test('store and types are found through the model, without constructing the app', async () => {
  const records = await aepJson<Listed[]>(cwd, ['journal', 'list', '--model', 'model.xml', '--app', 'ledger']);
  assert.deepEqual(
    records.map(({ txId }) => txId),
    [1, 2, 3, 4, 5],
  );
  assert.deepEqual(records[1]!.outbound[0]!.message.content, { account: 'bob', balance: 7 });
});

test('the list for people has one line per record and says what the journal holds', async () => {
  const { out, err } = await aep(cwd, ['journal', 'list', STORE, ...TYPES, '--limit', '2']);
  const lines = out.trimEnd().split('\n');
  assert.match(lines[0]!, /^TX {2}TIME +CAUSE +CHANGES +SENT$/);
  assert.match(
    lines[1]!,
    /^ 1 {2}\S+Z {2}injected ledger\.Deposit {2}values accounts\/alice lines\/0 +ledger\.Deposited>events@bank$/,
  );
  assert.equal(lines.length, 3);
  assert.equal(err, '2 records shown; the journal holds records 1 to 5; go on with --from 3\n');
});

test('a range, the newest, and a limit choose records', async () => {
  assert.deepEqual(await ids('--from', '2', '--to', '3'), [2, 3]);
  assert.deepEqual(await ids('--last', '2'), [4, 5]);
  assert.deepEqual(await ids('--limit', '1'), [1]);
  assert.deepEqual(await ids('--from', '9'), []);
});

test('records are found by message type, channel, message field, collection and key', async () => {
  assert.deepEqual(await ids(...TYPES, '--type', 'Deposited'), [1, 2, 3]);
  assert.deepEqual(await ids(...TYPES, '--type', 'ledger.Deposited', '--where', 'account=alice'), [1, 3]);
  assert.deepEqual(await ids(...TYPES, '--where', 'account=alice', '--where', 'balance=7'), [3]);
  assert.deepEqual(await ids('--type', '91:2'), [1, 2, 3]);
  assert.deepEqual(await ids('--channel', 'events'), [1, 2, 3]);
  assert.deepEqual(await ids('--channel', 'events@bank', '--last', '1'), [3]);
  assert.deepEqual(await ids('--channel', 'deposits'), []);
  assert.deepEqual(await ids(...TYPES, '--collection', 'accounts', '--key', 'bob'), [2, 5]);
  assert.deepEqual(await ids('--collection', 'deadLetters'), [4]);
});

test('a filter on messages needs their types', async () => {
  for (const flags of [
    ['--where', 'account=alice'],
    ['--type', 'Deposited'],
  ]) {
    const outcome = await aep(cwd, ['journal', 'list', STORE, ...flags]);
    const { exitCode, err } = outcome;
    assert.deepEqual([exitCode, codeOf(outcome)], [ExitCode.inputInvalid, 'AEP_CLI_TYPES_NEEDED']);
    assert.match(err, /^error: AEP_CLI_TYPES_NEEDED: .*add --model FILE/);
  }
});

test('a mistyped message type is answered with the nearest', async () => {
  const outcome = await aep(cwd, ['journal', 'list', STORE, ...TYPES, '--type', 'Depositt']);
  const { exitCode, err } = outcome;
  assert.deepEqual([exitCode, codeOf(outcome)], [ExitCode.inputInvalid, 'AEP_CLI_NAME_UNKNOWN']);
  assert.match(err, /AEP_CLI_NAME_UNKNOWN: message type "Depositt" is not known \(did you mean "Deposit"\?\)/);
});

test('one record is shown in full, whichever of number and store comes first', async () => {
  const { out } = await aep(cwd, ['journal', 'show', '1', STORE, ...TYPES]);
  assert.match(out, /^record 1 {2}transaction$/m);
  assert.match(out, /^ {2}put {7}accounts alice = \{"balance":5\}$/m);
  assert.match(out, /^ {12}ledger\.Deposited \{"account":"alice","balance":5\}$/m);
  assert.equal((await aep(cwd, ['journal', 'show', STORE, '1', ...TYPES])).out, out);
});

test('a quarantined record shows the dead letter that it made', async () => {
  const record = await aepJson<Listed & { flags: string[] }>(cwd, ['journal', 'show', '4', STORE]);
  assert.deepEqual(record.flags, ['quarantined']);
  const { key, value } = record.changes[0]!;
  assert.equal(key, 4);
  assert.equal((value as { reason: string }).reason, 'AEP_HANDLER_FAILED');
});

test('a record that is not there is refused with what is', async () => {
  for (const txId of ['6', '0']) {
    const outcome = await aep(cwd, ['journal', 'show', txId, STORE]);
    const { exitCode, err } = outcome;
    assert.deepEqual([exitCode, codeOf(outcome)], [ExitCode.inputInvalid, 'AEP_CLI_RECORD_UNKNOWN']);
    assert.equal(err, `error: AEP_CLI_RECORD_UNKNOWN: there is no record ${txId}: the newest is 5\n`);
  }
});

test('an export has one line of JSON per record, the same as the list', async () => {
  const { exitCode, out, err } = await aep(cwd, ['journal', 'export', STORE, ...TYPES]);
  assert.equal(exitCode, ExitCode.ok);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Listed);
  assert.deepEqual(lines, await list(...TYPES));
  assert.equal(err, '5 records exported; go on with --from 6\n');
});

test('following prints what is there and ends when it is interrupted', async () => {
  const { exitCode, out } = await aep(cwd, ['journal', 'follow', STORE, '--from', '1', ...TYPES], (io) => {
    io.stdout.onWrite = (text) => {
      // The fifth record is the last: from there on it would wait for ever.
      if (text.startsWith('       5')) io.interrupt();
    };
  });
  assert.equal(exitCode, ExitCode.ok);
  assert.equal(out.trimEnd().split('\n').length, 5);
  assert.match(
    out,
    /^ {7}2 {2}\S+Z {2}injected ledger\.Deposit \| values accounts\/bob lines\/1 \| ledger\.Deposited>events@bank$/m,
  );
});

test('following ends at its limit and filters as a list does', async () => {
  const { out } = await aep(cwd, [
    'journal',
    'follow',
    STORE,
    '--from',
    '1',
    '--collection',
    'accounts',
    '--key',
    'alice',
    '--limit',
    '2',
    '--json',
    ...TYPES,
  ]);
  const followed = out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Listed).txId);
  assert.deepEqual(followed, [1, 3]);
});

test('who follows or exports in parts is told where to go on, and gets each record once (E103)', async () => {
  for (const command of ['follow', 'export']) {
    const seen: number[] = [];
    let from = '1';
    for (const limit of ['2', '2', '1']) {
      const range = ['--from', from, '--limit', limit];
      const { out, err } = await aep(cwd, ['journal', command, STORE, ...range, '--json', ...TYPES]);
      for (const line of out.trimEnd().split('\n')) seen.push((JSON.parse(line) as Listed).txId);
      from = /go on with --from (\d+)\n$/.exec(err)?.[1] ?? '';
      assert.equal(Number(from), seen.at(-1)! + 1, command);
    }
    assert.deepEqual(seen, [1, 2, 3, 4, 5], command);
  }
});

test('records that a filter leaves out need not be read again (E103)', async () => {
  const filter = ['--collection', 'accounts', '--key', 'alice', '--to', '5', ...TYPES];
  for (const command of ['follow', 'export']) {
    const { err } = await aep(cwd, ['journal', command, STORE, '--from', '1', ...filter]);
    assert.match(err, /go on with --from 6\n$/, command);
  }
});

test('a sound store verifies', async () => {
  const { exitCode, out } = await aep(cwd, ['journal', 'verify', STORE]);
  assert.equal(exitCode, ExitCode.ok);
  assert.match(out, /^ok {3}\S+: records 1 to 5 are good \(5 in \d+\.\d s\), and the tables are what they make$/m);
});

interface Replayed {
  readonly ok: boolean;
  readonly txId: number;
  readonly originalHash: string;
  readonly replayedHash: string;
  readonly difference: { readonly collection: string; readonly key?: string } | null;
}

test('a replay makes the same tables from the journal alone, in a store that is sound itself (E102)', async () => {
  const replayed = await aepJson<Replayed>(cwd, ['journal', 'replay', STORE, '--into', 'replayed']);
  assert.deepEqual([replayed.ok, replayed.txId, replayed.difference], [true, 5, null]);
  assert.equal(replayed.replayedHash, replayed.originalHash);
  assert.deepEqual(await aepJson(cwd, ['journal', 'list', 'replayed']), await list());
  assert.equal((await aep(cwd, ['journal', 'verify', 'replayed'])).exitCode, ExitCode.ok);
  const again = await aep(cwd, ['journal', 'replay', STORE, '--into', 'replayed']);
  assert.deepEqual([again.exitCode, codeOf(again)], [ExitCode.usage, 'AEP_CLI_USAGE'], 'nothing is overwritten');
});

test('a replay names the first entry that the journal does not account for (E102)', async () => {
  cpSync(join(cwd, STORE), join(cwd, 'tampered'), { recursive: true });
  const store = await openTampered(join(cwd, 'tampered'));
  const mallory = { tableId: 1, key: Buffer.from('mallory'), value: Buffer.from([8, 99]) };
  const changes = tableChanges([mallory]);
  await new Promise<void>((resolve) => {
    store.tables.apply(changes, store.tables.appliedTxId, () => resolve());
  });
  await store.close();
  const argv = ['journal', 'replay', 'tampered', '--into', 'of-tampered', ...TYPES];
  const { exitCode, out } = await aep(cwd, argv);
  assert.equal(exitCode, ExitCode.problemsFound);
  assert.match(out, /^BAD .*the tables differ, first at accounts mallory$/m);
});

test('a replay that is interrupted says that what it made is no whole store (E102)', async () => {
  const outcome = await aep(cwd, ['journal', 'replay', STORE, '--into', 'interrupted'], (io) => io.interrupt());
  assert.deepEqual([outcome.exitCode, codeOf(outcome)], [ExitCode.failed, 'AEP_CLI_INTERRUPTED']);
});

test('a journal that does not reach back to record 1 is not replayed (E102)', async () => {
  cpSync(join(cwd, STORE), join(cwd, 'cut-off'), { recursive: true });
  const store = await openTampered(join(cwd, 'cut-off'));
  store.journal.trim(5);
  for (let turn = 0; turn < 1_000 && store.journal.firstTxId === 1; turn++) await setTimeout(1);
  await store.close();
  const outcome = await aep(cwd, ['journal', 'replay', 'cut-off', '--into', 'of-cut-off']);
  assert.deepEqual([outcome.exitCode, codeOf(outcome)], [ExitCode.inputInvalid, 'AEP_CLI_STATE_TRIMMED']);
});

function openTampered(path: string): Promise<LmdbStore> {
  return openLmdbStore({ path, engineName: 'ledger', durability: 'os', verifyOnOpen: false, scrubIntervalMs: 0 });
}

test('a damaged record is named, the exit code says so, and other stores are checked all the same', async () => {
  cpSync(join(cwd, STORE), join(cwd, 'damaged'), { recursive: true });
  const file = join(cwd, 'damaged/journal/data.mdb');
  const bytes = readFileSync(file);
  // LMDB never writes in place: older pages hold the text too.
  for (let at = bytes.indexOf('alice +2'); at > 0; at = bytes.indexOf('alice +2', at)) bytes[at] = 0x41;
  writeFileSync(file, bytes);
  const { exitCode, out } = await aep(cwd, ['journal', 'verify', 'damaged', STORE]);
  assert.equal(exitCode, ExitCode.problemsFound);
  assert.match(out, /^BAD {2}\S+damaged: record 3: AEP_RECORD_CORRUPT: /m);
  assert.match(out, /^ok {3}\S+data\/ledger: /m);
  const [bad] = await aepJson<{ ok: boolean; bad: { txId: number; code: string } }[]>(cwd, [
    'journal',
    'verify',
    'damaged',
    STORE,
  ]);
  assert.deepEqual([bad!.ok, bad!.bad.txId, bad!.bad.code], [false, 3, 'AEP_RECORD_CORRUPT']);
});

test('a store that is not there cannot be opened', async () => {
  const { exitCode, err } = await aep(cwd, ['journal', 'list', 'data/nothing']);
  assert.equal(exitCode, ExitCode.unreachable);
  assert.match(err, /^error: AEP_STORE_MISSING: there is no store at /);
});

test('a store has to be named', async () => {
  const { exitCode, err } = await aep(cwd, ['journal', 'list']);
  assert.equal(exitCode, ExitCode.usage);
  assert.match(err, /which store\? Give its directory, or --model FILE and --app NAME/);
});

test('an app that the model does not have is answered with the nearest', async () => {
  const { exitCode, err } = await aep(cwd, ['journal', 'list', '--model', 'model.xml', '--app', 'leger']);
  assert.equal(exitCode, ExitCode.inputInvalid);
  assert.match(err, /AEP_CLI_NAME_UNKNOWN: app "leger" is not known \(did you mean "ledger"\?\)/);
});

test('a module of types that cannot be loaded is an error, a root that it does not have too', async () => {
  const missing = await aep(cwd, ['journal', 'list', STORE, '--types', './nothing.js']);
  assert.deepEqual([missing.exitCode, codeOf(missing)], [ExitCode.unreachable, 'AEP_CLI_MODULE']);
  assert.match(missing.err, /^error: AEP_CLI_MODULE: module \.\/nothing\.js cannot be used: /);
  const unknown = await aep(cwd, ['journal', 'list', STORE, '--types', `${TYPES_MODULE}#Legder`]);
  assert.match(unknown.err, /state root of \S+ "Legder" is not known \(did you mean "Ledger"\?\)/);
});

test('a model whose app was not built yet makes the listing poorer, not impossible', async () => {
  writeFileSync(join(cwd, 'unbuilt.xml'), ledgerModel().replace(APP_MODULE, './dist/not-built.js'));
  const { exitCode, out, err } = await aep(cwd, ['journal', 'list', '--model', 'unbuilt.xml']);
  assert.equal(exitCode, ExitCode.ok);
  assert.match(out, /91:2>events@bank/);
  assert.match(err, /^warning: messages and state are shown as bytes: module \.\/dist\/not-built\.js cannot be used/);
});

test('an app written with defineApp gives its types as well', async () => {
  writeFileSync(join(cwd, 'quiet.xml'), ledgerModel().replace('#LedgerApp', '#quietLedger'));
  const [first] = await aepJson<Listed[]>(cwd, ['journal', 'list', '--model', 'quiet.xml']);
  assert.deepEqual(first!.outbound[0]!.message.content, { account: 'alice', balance: 5 });
});
