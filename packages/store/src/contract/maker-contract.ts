import assert from 'node:assert/strict';
import type { AepError } from '@aep/kernel';
import { recover } from '../recover.js';
import { tableChanges } from '../table-changes.js';
import { Table } from '../tables.js';
import type { Store } from '../store.js';
import type { CopiedEntry, StoreBase, StoreInTheMaking, StoreMaker, StoreOrigin } from '../store-maker.js';
import type { StoreHarness } from './harness.js';
import { checkChain, commit } from './journal-contract.js';
import { SampleRecords } from './sample-records.js';

/** How the contract handles one kind of maker. Made anew for each test. */
export interface StoreMakerHarness extends Pick<StoreHarness, 'clock' | 'waitUntil' | 'complete' | 'dispose'> {
  /** On one medium, empty at first. */
  readonly maker: StoreMaker;
  /** The process ends without telling the maker, and a new one starts on the medium: {@link maker} is another one then. */
  restart(): Promise<void>;
}

export interface MakerCase {
  readonly name: string;
  run(harness: StoreMakerHarness): Promise<void>;
}

const BASE: StoreBase = { txId: 1_000, hash: { low: 0xfedcba98, high: 17 }, epoch: 3, confirmedTxId: 900 };

export const makerCases: readonly MakerCase[] = [
  {
    name: 'an empty medium holds no store, and opening makes none',
    async run(harness) {
      for (let round = 0; round < 2; round++) assert.equal(await open(harness), undefined);
    },
  },
  {
    name: 'a completed store is found again, with its identity and the incarnation that it was given (E51)',
    async run(harness) {
      const made = await make(harness, { incarnation: 12_345 });
      const identity = { ...made.identity };
      assert.equal(identity.incarnation, 12_345);
      assert.deepEqual([made.journal.firstTxId, made.journal.lastTxId, made.tables.appliedTxId], [1, 0, 0]);
      new SampleRecords(made.journal).appendMany(3);
      await commit(harness, made);
      await harness.complete(made.close());
      const store = (await open(harness))!;
      assert.deepEqual({ ...store.identity }, identity);
      assert.equal(store.journal.lastTxId, 3);
      await harness.complete(store.close());
    },
  },
  {
    name: 'a journal with a base begins after it: numbers, hash, epoch and confirmed position go on from there (H12)',
    async run(harness) {
      const store = await make(harness, { incarnation: 1, base: BASE });
      checkAtBase(store);
      assert.deepEqual([...store.journal.read(1_001)], []);
      const records = new SampleRecords(store.journal);
      records.epoch = 3;
      records.appendMany(4);
      await commit(harness, store);
      assert.equal(checkChain(store), 4);
      await harness.complete(store.close());
      const again = (await open(harness))!;
      assert.deepEqual([again.journal.firstTxId, again.journal.lastTxId, again.journal.lastEpoch], [1_001, 1_004, 3]);
      assert.deepEqual(again.journal.base, BASE);
      assert.ok(again.journal.confirmedTxId >= BASE.confirmedTxId);
      const recovery = await harness.complete(recover(again, { clock: harness.clock }));
      assert.deepEqual([recovery.recordsFolded, recovery.lastEpoch, again.tables.appliedTxId], [4, 3, 1_004]);
      await harness.complete(again.close());
    },
  },
  {
    name: 'a store that begins with a base and has no record yet recovers and reopens at its base',
    async run(harness) {
      await harness.complete((await make(harness, { base: BASE })).close());
      const store = (await open(harness))!;
      checkAtBase(store);
      const recovery = await harness.complete(recover(store, { clock: harness.clock }));
      assert.deepEqual([recovery.recordsFolded, recovery.lastEpoch, recovery.epoch], [0, 3, 3]);
      await harness.complete(store.close());
    },
  },
  {
    name: 'all records after the base can be cut, and the chain goes on from the base (H5)',
    async run(harness) {
      const store = await make(harness, { base: BASE });
      const records = new SampleRecords(store.journal);
      records.epoch = 4;
      records.appendMany(5);
      await commit(harness, store);
      let isCut = false;
      store.journal.cut(BASE.txId, () => (isCut = true));
      await harness.waitUntil(() => isCut);
      checkAtBase(store);
      records.epoch = 3;
      records.appendMany(2);
      await commit(harness, store);
      assert.equal(checkChain(store), 2);
      await harness.complete(store.close());
    },
  },
  {
    name: 'entries put in batches are in the tables, system tables too, when the making has ended',
    async run(harness) {
      const making = await create(harness, { base: BASE });
      for (let first = 0; first < 250; first += 50) await put(harness, making, entriesFrom(first, 50));
      await put(harness, making, [{ tableId: Table.facts, key: Buffer.from('fact'), value: Buffer.from('F') }]);
      await complete(harness, making, BASE.txId);
      await harness.complete(making.store.close());
      const store = (await open(harness))!;
      assert.equal(store.tables.appliedTxId, BASE.txId);
      assert.equal([...store.tables.range(1)].length, 250);
      assert.equal(text(store.tables.get(1, Buffer.from('k0249'))), 'v249');
      assert.equal(text(store.tables.get(Table.facts, Buffer.from('fact'))), 'F');
      await harness.complete(store.close());
    },
  },
  {
    name: 'a state that is newer than the base is completed at its own position, with the records up to there',
    async run(harness) {
      const making = await create(harness, { base: BASE });
      const { journal } = making.store;
      const records = new SampleRecords(journal);
      records.epoch = 3;
      records.appendMany(7);
      await commit(harness, making.store);
      await put(harness, making, entriesFrom(0, 10));
      await complete(harness, making, 1_005);
      const recovery = await harness.complete(recover(making.store, { clock: harness.clock }));
      assert.deepEqual([recovery.recordsFolded, making.store.tables.appliedTxId], [2, 1_007]);
      await harness.complete(making.store.close());
    },
  },
  {
    name: 'a making that was interrupted anywhere leaves no store, and the next one begins anew (H12)',
    async run(harness) {
      await harness.complete((await make(harness, { incarnation: 7 })).close());
      for (const interruptAt of ['created', 'one batch', 'records'] as const) {
        const making = await create(harness, { base: BASE });
        if (interruptAt !== 'created') await put(harness, making, entriesFrom(0, 20));
        if (interruptAt === 'records') {
          const records = new SampleRecords(making.store.journal);
          records.epoch = 3;
          records.appendMany(2);
          await commit(harness, making.store);
        }
        await harness.restart();
        assert.equal(await open(harness), undefined, `interrupted: ${interruptAt}`);
      }
      const store = await make(harness, { base: { ...BASE, txId: 5, confirmedTxId: 5 } });
      assert.deepEqual([store.journal.firstTxId, [...store.tables.range(1)].length], [6, 0]);
      await harness.complete(store.close());
    },
  },
  {
    name: 'a completed store survives the end of the process that made it',
    async run(harness) {
      const making = await create(harness, { base: BASE });
      await put(harness, making, entriesFrom(0, 20));
      await complete(harness, making, BASE.txId);
      await harness.restart();
      const store = (await open(harness))!;
      assert.deepEqual([store.tables.appliedTxId, [...store.tables.range(1)].length], [BASE.txId, 20]);
      await harness.complete(store.close());
    },
  },
  {
    name: 'a making that is given up leaves no store',
    async run(harness) {
      const making = await create(harness, { base: BASE });
      await put(harness, making, entriesFrom(0, 5));
      await harness.complete(new Promise<void>((resolve) => making.abandon(resolve)));
      assert.equal(await open(harness), undefined);
    },
  },
  {
    name: 'each making has an identity of its own: whoever lost a disk is not the member that it was (H3)',
    async run(harness) {
      const ids = new Set<string>();
      for (let round = 0; round < 3; round++) {
        const store = await make(harness, { incarnation: 7 });
        ids.add(store.identity.memberId);
        await harness.complete(store.close());
      }
      assert.equal(ids.size, 3);
    },
  },
  {
    name: 'a destroyed store is gone',
    async run(harness) {
      await harness.complete((await make(harness, {})).close());
      let destroyed: AepError | 'no error' | undefined;
      harness.maker.destroy((error) => (destroyed = error ?? 'no error'));
      await harness.waitUntil(() => destroyed !== undefined);
      assert.equal(destroyed, 'no error');
      assert.equal(await open(harness), undefined);
      await harness.restart();
      assert.equal(await open(harness), undefined);
    },
  },
  {
    name: 'a copy snapshot lists all entries of one moment, and goes on behind any of them',
    async run(harness) {
      const making = await create(harness, { base: BASE });
      const entries = [3, 1, Table.facts].flatMap((tableId) =>
        [...Array(6).keys()].map((index) => entry(tableId, `k${index}`, `v${tableId}-${index}`)),
      );
      await put(harness, making, inOrder(entries));
      await complete(harness, making, BASE.txId);
      const { store } = making;
      const snapshot = harness.maker.copySnapshot(store);
      await applyOne(harness, store, entry(1, 'k0', 'changed later'));
      assert.equal(snapshot.appliedTxId, BASE.txId);
      const all = [...snapshot.entries()].map(describe);
      assert.deepEqual(all, inOrder(entries).map(describe));
      // As a copy does it: some, and in another turn those behind them.
      for (const split of [0, 5, 6, 11, 17]) {
        const after = inOrder(entries)[split]!;
        assert.deepEqual([...snapshot.entries(after)].map(describe), all.slice(split + 1));
      }
      assert.equal(text(snapshot.get(1, Buffer.from('k0'))), 'v1-0');
      snapshot.close();
      await harness.complete(store.close());
    },
  },
];

function checkAtBase({ journal, epoch }: Store): void {
  const { firstTxId, lastTxId, stableTxId, confirmedTxId, lastEpoch } = journal;
  assert.deepEqual([firstTxId, lastTxId, stableTxId, confirmedTxId, lastEpoch], [1_001, 1_000, 1_000, 900, 3]);
  assert.deepEqual({ ...journal.lastHash }, BASE.hash);
  assert.equal(epoch, 3);
}

async function open(harness: StoreMakerHarness): Promise<Store | undefined> {
  return answered(harness, (done: Answer<Store>) => harness.maker.open(done));
}

async function create(harness: StoreMakerHarness, origin: StoreOrigin): Promise<StoreInTheMaking> {
  return (await answered(harness, (done: Answer<StoreInTheMaking>) => harness.maker.create(origin, done)))!;
}

async function make(harness: StoreMakerHarness, origin: StoreOrigin): Promise<Store> {
  const making = await create(harness, origin);
  await complete(harness, making, origin.base?.txId ?? 0);
  return making.store;
}

async function put(harness: StoreMakerHarness, making: StoreInTheMaking, entries: CopiedEntry[]): Promise<void> {
  await answered(harness, (done: Answer<never>) => making.put(entries, (error) => done(error, undefined)));
}

async function complete(harness: StoreMakerHarness, making: StoreInTheMaking, txId: number): Promise<void> {
  await answered(harness, (done: Answer<never>) => making.complete(txId, (error) => done(error, undefined)));
}

async function applyOne(harness: StoreMakerHarness, { tables }: Store, changed: CopiedEntry): Promise<void> {
  const changes = tableChanges([changed]);
  await answered(harness, (done: Answer<never>) =>
    assert.equal(
      tables.apply(changes, tables.appliedTxId, (error) => done(error, undefined)),
      'accepted',
    ),
  );
}

type Answer<T> = (error: AepError | undefined, value: T | undefined) => void;

/** Waits for an answer, which must come from the event loop and without an error. */
async function answered<T>(harness: StoreMakerHarness, ask: (done: Answer<T>) => void): Promise<T | undefined> {
  const answer: { value?: T | undefined; error?: AepError | undefined; isThere: boolean } = { isThere: false };
  ask((error, value) => Object.assign(answer, { error, value, isThere: true }));
  assert.equal(answer.isThere, false, 'the callback comes from the event loop');
  await harness.waitUntil(() => answer.isThere);
  if (answer.error !== undefined) throw answer.error;
  return answer.value;
}

function entriesFrom(first: number, count: number): CopiedEntry[] {
  return Array.from({ length: count }, (_, index) =>
    entry(1, `k${String(first + index).padStart(4, '0')}`, `v${first + index}`),
  );
}

function entry(tableId: number, key: string, value: string): CopiedEntry {
  return { tableId, key: Buffer.from(key), value: Buffer.from(value) };
}

function inOrder(entries: readonly CopiedEntry[]): CopiedEntry[] {
  return entries.toSorted((a, b) => a.tableId - b.tableId || Buffer.compare(a.key, b.key));
}

function describe({ tableId, key, value }: CopiedEntry): string {
  return `${tableId} ${text(key)}=${text(value)}`;
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}
