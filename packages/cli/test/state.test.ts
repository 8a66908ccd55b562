import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ExitCode } from '@aep/cli';
import { createEngine, defineApp } from '@aep/engine';
import { SystemClock } from '@aep/kernel';
import { recover } from '@aep/store';
import { openLmdbStore } from '@aep/store-lmdb';
import { Deposit, LedgerFactory } from './gen/ledger.js';
import { type Step, TYPES_MODULE, writeLedger } from './ledger-store.js';
import { aep, aepJson, codeOf, scratchDirectory } from './test-io.js';

const scratch = scratchDirectory();
const cwd = scratch.path;
const TYPES = ['--types', TYPES_MODULE];
before(() => writeLedger(cwd));
after(() => scratch.remove());

interface Entries {
  readonly txId: number;
  readonly entries: readonly { key?: unknown; value?: unknown; keyHex?: string; valueHex?: string }[];
  readonly more: boolean;
}

async function accounts(...flags: string[]): Promise<Record<string, number>> {
  const { entries } = await aepJson<Entries>(cwd, ['state', 'show', 'ledger', ...TYPES, '-c', 'accounts', ...flags]);
  return Object.fromEntries(entries.map(({ key, value }) => [key, (value as { balance: number }).balance]));
}

test('the collections of the state are listed with kind, key, type and size', async () => {
  const { out, err } = await aep(cwd, ['state', 'show', 'ledger', ...TYPES]);
  assert.equal(
    out,
    'COLLECTION  KIND        KEY       TYPE                 ENTRIES\n' +
      'values      values                ledger.LedgerValues        1\n' +
      'accounts    collection  string    ledger.Account             1\n' +
      'lines       queue       position  ledger.Line                3\n',
  );
  assert.equal(err, 'state of ledger at 5; see entries with --collection\n');
});

test('without types, tables are shown by number and entries as bytes', async () => {
  const { entries } = await aepJson<Entries>(cwd, ['state', 'show', 'ledger', '--collection', 'table 1']);
  assert.deepEqual(entries, [{ collection: 'table 1', keyHex: '616c696365', valueHex: '0807' }]);
});

test('the state at every transaction is the fold of the records up to it', async () => {
  const expected = [{}, { alice: 5 }, { alice: 5, bob: 7 }, { alice: 7, bob: 7 }, { alice: 7, bob: 7 }, { alice: 7 }];
  for (const [txId, balances] of expected.entries()) assert.deepEqual(await accounts('--at', String(txId)), balances);
  assert.deepEqual(await accounts(), expected[5]);
});

test('what the tables do not have yet is folded over them, at every position of the tables', async () => {
  const random: Step[] = [];
  for (let step = 0; step < 30; step++) random.push([`a${(step * 7) % 5}`, step % 6 === 5 ? 0 : step + 20]);
  const directory = join(cwd, 'behind');
  await writeLedger(directory, random);
  const show = (at: number): Promise<Entries> =>
    aepJson(directory, ['state', 'show', 'ledger', ...TYPES, '-c', 'accounts', '--at', String(at)]);
  const balances = new Map<string, number>();
  for (const [index, [account, amount]] of random.entries()) {
    if (amount === 0) balances.delete(account);
    else balances.set(account, (balances.get(account) ?? 0) + amount);
    const { entries } = await show(index + 1);
    const shown = entries.map(({ key, value }) => [key, (value as { balance: number }).balance]);
    assert.deepEqual(
      shown,
      [...balances].toSorted(([left], [right]) => (left < right ? -1 : 1)),
    );
  }
});

test('one entry is shown by its key; one that is not there is an answer with an exit code of its own', async () => {
  const found = await aep(cwd, ['state', 'show', 'ledger', ...TYPES, '-c', 'accounts', '-k', 'alice']);
  assert.deepEqual([found.exitCode, found.out], [ExitCode.ok, '{"balance":7}\n']);
  const line = await aep(cwd, ['state', 'show', 'ledger', ...TYPES, '-c', 'lines', '-k', '1']);
  assert.equal(line.out, '{"text":"bob +7"}\n');
  const bytes = await aep(cwd, ['state', 'show', 'ledger', '-c', 'table 1', '-k', '0x616c696365']);
  assert.equal(bytes.out, '0x0807\n');
  const gone = await aep(cwd, ['state', 'show', 'ledger', ...TYPES, '-c', 'accounts', '-k', 'bob']);
  assert.deepEqual(
    [gone.exitCode, gone.out, gone.err],
    [ExitCode.problemsFound, '', 'accounts has no entry bob at 5\n'],
  );
});

test('a limit cuts the list and says that there is more', async () => {
  const { entries, more } = await aepJson<Entries>(cwd, [
    'state',
    'show',
    'ledger',
    ...TYPES,
    '-c',
    'lines',
    '-n',
    '2',
  ]);
  assert.deepEqual([entries.length, more], [2, true]);
  const { err } = await aep(cwd, ['state', 'show', 'ledger', ...TYPES, '-c', 'lines', '-n', '3']);
  assert.equal(err, '3 entries of lines at 5\n');
});

test('a mistyped collection is answered with the nearest, a key of the wrong kind with the kind', async () => {
  const unknown = await aep(cwd, ['state', 'show', 'ledger', ...TYPES, '-c', 'acounts']);
  assert.equal(unknown.exitCode, ExitCode.inputInvalid);
  assert.match(unknown.err, /AEP_CLI_NAME_UNKNOWN: collection "acounts" is not known \(did you mean "accounts"\?\)/);
  const wrong = await aep(cwd, ['state', 'show', 'ledger', ...TYPES, '-c', 'lines', '-k', 'first']);
  assert.match(wrong.err, /AEP_STATE_KEY_INVALID/);
});

test('a key without its collection is a wrong command line, and so is a text key of a table without types', async () => {
  for (const flags of [
    ['-k', 'alice'],
    ['-c', 'table 1', '-k', 'alice'],
  ]) {
    assert.equal((await aep(cwd, ['state', 'show', 'ledger', ...flags])).exitCode, ExitCode.usage);
  }
});

test('a difference says what was added, changed and removed between two transactions', async () => {
  const { out, err } = await aep(cwd, ['state', 'diff', 'ledger', '2', '5', ...TYPES]);
  assert.equal(
    out,
    '~ values {"deposits":2} -> {"deposits":3}\n' +
      '~ accounts alice {"balance":5} -> {"balance":7}\n' +
      '- accounts bob {"balance":7}\n' +
      '+ lines 2 {"text":"alice +2"}\n',
  );
  assert.equal(err, '4 entries differ between 2 and 5\n');
});

test('the difference the other way round is the way back', async () => {
  const { out } = await aep(cwd, ['state', 'diff', '5', '2', 'ledger', '-c', 'accounts', ...TYPES]);
  assert.equal(out, '~ accounts alice {"balance":7} -> {"balance":5}\n+ accounts bob {"balance":7}\n');
  const { changes } = await aepJson<{ changes: unknown[] }>(cwd, [
    'state',
    'diff',
    '5',
    '2',
    'ledger',
    '-c',
    'accounts',
    ...TYPES,
  ]);
  assert.deepEqual(changes[1], {
    change: 'added',
    collection: 'accounts',
    key: 'bob',
    before: null,
    after: { balance: 7 },
  });
});

test('a transaction that changed nothing is no difference', async () => {
  const { out, err } = await aep(cwd, ['state', 'diff', 'ledger', '3', '4', ...TYPES]);
  assert.deepEqual([out, err], ['', '0 entries differ between 3 and 4\n']);
});

test('a transaction that is still to come is refused', async () => {
  for (const argv of [
    ['state', 'show', 'ledger', '--at', '6'],
    ['state', 'diff', 'ledger', '1', '6'],
  ]) {
    const { exitCode, err } = await aep(cwd, argv);
    assert.equal(exitCode, ExitCode.inputInvalid);
    assert.equal(err, 'error: AEP_CLI_RECORD_UNKNOWN: there is no record 6: the newest is 5\n');
  }
});

test('a difference needs two numbers and at most one store', async () => {
  for (const args of [
    ['ledger', '1'],
    ['1', '2', '3'],
    ['a', 'b', '1', '2'],
  ]) {
    assert.equal((await aep(cwd, ['state', 'diff', ...args])).exitCode, ExitCode.usage);
  }
});

test('once the journal is trimmed, the past before the tables is gone, and the error says from where on it is there', async () => {
  const directory = join(cwd, 'trimmed');
  const path = await writeLedger(directory);
  const clock = new SystemClock();
  const store = await openLmdbStore({
    path,
    engineName: 'ledger',
    verifyOnOpen: false,
    scrubIntervalMs: 0,
    freeSpaceReserveBytes: 0,
    mapSizeBytes: 64 * 1024 * 1024,
    durability: 'os',
  });
  await recover(store, { clock });
  store.journal.trim(4);
  while (store.journal.firstTxId < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  await store.close();
  const outcome = await aep(directory, ['state', 'show', 'ledger', '--at', '4']);
  const { exitCode, err } = outcome;
  assert.deepEqual([exitCode, codeOf(outcome)], [ExitCode.inputInvalid, 'AEP_CLI_STATE_TRIMMED']);
  assert.match(
    err,
    /^error: AEP_CLI_STATE_TRIMMED: the state at 4 cannot be rebuilt: the journal begins at 4, and the tables are at 5\. /,
  );
  assert.equal((await aep(directory, ['state', 'show', 'ledger', '--at', '5'])).exitCode, ExitCode.ok);
  assert.match((await aep(directory, ['journal', 'list', 'ledger', '--from', '2'])).err, /AEP_JOURNAL_TRIMMED/);
});

test('the state of an event-sourced app is not in its store, and the error says where to look', async () => {
  const path = join(cwd, 'sourced');
  const codec = { create: () => ({ sum: 0 }), save: () => new Uint8Array(1), load: () => ({ sum: 0 }) };
  const engine = createEngine({
    name: 'sourced',
    app: defineApp({ name: 'sourced', stateCodec: codec, factories: [LedgerFactory] }).on(
      Deposit,
      ({ amount }, { state }) => {
        state.sum += amount;
      },
    ),
    store: () =>
      openLmdbStore({
        path,
        engineName: 'sourced',
        verifyOnOpen: false,
        scrubIntervalMs: 0,
        freeSpaceReserveBytes: 0,
        mapSizeBytes: 16 * 1024 * 1024,
        durability: 'os',
      }),
  });
  await engine.start();
  const deposit = Deposit.create();
  deposit.account = 'alice';
  deposit.amount = 3;
  await engine.inject(deposit);
  await engine.stop();
  const outcome = await aep(cwd, ['state', 'show', 'sourced']);
  assert.deepEqual([outcome.exitCode, codeOf(outcome)], [ExitCode.inputInvalid, 'AEP_CLI_EVENT_SOURCED']);
  const [record] = await aepJson<{ message: { type: string; content: unknown } }[]>(cwd, [
    'journal',
    'list',
    'sourced',
    ...TYPES,
    '--where',
    'account=alice',
  ]);
  assert.deepEqual(record!.message.content, { account: 'alice', amount: 3 });
});
