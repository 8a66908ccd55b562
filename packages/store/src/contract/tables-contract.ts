import assert from 'node:assert/strict';
import { SeededRandom } from '@aep/kernel';
import { Checkpointer } from '../checkpointer.js';
import { recover } from '../recover.js';
import { SortedTable } from '../sorted-table.js';
import { issueStable } from '../stable.js';
import type { Store, TableChanges } from '../store.js';
import { tableChanges } from '../table-changes.js';
import { type RangeBytes, Table } from '../tables.js';
import type { ContractCase } from './index.js';
import type { StoreHarness } from './harness.js';
import { commit } from './journal-contract.js';
import { SampleRecords } from './sample-records.js';

export const tablesCases: readonly ContractCase[] = [
  {
    name: 'an apply is visible when its callback comes, with the position that it covers (E35)',
    async run(harness) {
      const { tables } = await harness.open();
      assert.equal(tables.appliedTxId, 0);
      await apply(
        harness,
        tables,
        changesOf([
          [1, 'a', 'A'],
          [1, 'b', 'B'],
          [2, 'a', 'other'],
        ]),
        5,
      );
      assert.equal(tables.appliedTxId, 5);
      assert.equal(text(tables.get(1, Buffer.from('a'))), 'A');
      assert.equal(text(tables.get(2, Buffer.from('a'))), 'other');
      assert.equal(tables.get(3, Buffer.from('a')), undefined);
      await apply(
        harness,
        tables,
        changesOf([
          [1, 'a', undefined],
          [1, 'b', 'B2'],
        ]),
        6,
      );
      assert.equal(tables.get(1, Buffer.from('a')), undefined);
      assert.equal(text(tables.get(1, Buffer.from('b'))), 'B2');
    },
  },
  {
    name: 'a second apply is answered busy while one is under way',
    async run(harness) {
      const { tables } = await harness.open();
      let done = 0;
      assert.equal(
        tables.apply(changesOf([[1, 'a', 'A']]), 1, () => done++),
        'accepted',
      );
      assert.equal(
        tables.apply(changesOf([[1, 'b', 'B']]), 2, () => done++),
        'busy',
      );
      assert.equal(done, 0, 'the callback comes from the event loop');
      await harness.waitUntil(() => done === 1);
      assert.equal(tables.get(1, Buffer.from('b')), undefined);
    },
  },
  {
    name: 'applied entries are there after a reopening',
    async run(harness) {
      const first = await harness.open();
      await apply(
        harness,
        first.tables,
        changesOf([
          [1, 'a', 'A'],
          [Table.facts, 'position', '9'],
        ]),
        3,
      );
      await harness.complete(first.close());
      const { tables } = await harness.open();
      assert.equal(tables.appliedTxId, 3);
      assert.equal(text(tables.get(1, Buffer.from('a'))), 'A');
      assert.equal(text(tables.get(Table.facts, Buffer.from('position'))), '9');
    },
  },
  {
    name: 'ranges answer as a sorted list would, for any bounds and both directions (seed 42)',
    async run(harness) {
      const { tables } = await harness.open();
      const random = new SeededRandom(42);
      const models = new Map<number, SortedTable>();
      const entries: Entry[] = [];
      for (const tableId of [0, 1, 2, 0xffff]) {
        const model = new SortedTable();
        models.set(tableId, model);
        for (let index = 0; index < 60; index++) {
          const key = randomKey(random);
          model.put(key, Buffer.from(`${tableId}:${index}`));
        }
        for (const { key, value } of model.range()) entries.push([tableId, key, value]);
      }
      await apply(harness, tables, changesOf(entries), 1);
      for (let round = 0; round < 400; round++) {
        const tableId = [0, 1, 2, 0xffff, 7][random.below(5)]!;
        const options = randomRange(random);
        const expected = [...(models.get(tableId) ?? new SortedTable()).range(options)];
        const found = [...tables.range(tableId, options)];
        assert.deepEqual(plain(found), plain(expected), `round ${round}: ${JSON.stringify(options)}`);
      }
    },
  },
  {
    name: 'a snapshot shows one moment while changes go on',
    async run(harness) {
      const { tables } = await harness.open();
      await apply(
        harness,
        tables,
        changesOf([
          [1, 'a', 'old'],
          [1, 'b', 'stays'],
        ]),
        1,
      );
      const snapshot = tables.snapshot();
      await apply(
        harness,
        tables,
        changesOf([
          [1, 'a', 'new'],
          [1, 'b', undefined],
        ]),
        2,
      );
      assert.equal(snapshot.appliedTxId, 1);
      assert.equal(text(snapshot.get(1, Buffer.from('a'))), 'old');
      assert.deepEqual(
        [...snapshot.range(1)].map((entry) => text(entry.value)),
        ['old', 'stays'],
      );
      snapshot.close();
      assert.equal(text(tables.get(1, Buffer.from('a'))), 'new');
    },
  },
  {
    name: 'a scan that is left early can be started again',
    async run(harness) {
      const { tables } = await harness.open();
      await apply(
        harness,
        tables,
        changesOf([
          [1, 'a', 'A'],
          [1, 'b', 'B'],
          [1, 'c', 'C'],
        ]),
        1,
      );
      for (let round = 0; round < 3; round++) {
        for (const { value } of tables.range(1)) {
          assert.equal(text(value), 'A');
          break;
        }
      }
    },
  },
  {
    name: 'recovery brings the tables to the fold of the journal, in chunks (E35)',
    async run(harness) {
      const store = await harness.open();
      const expected = await writeHistory(harness, store, 300);
      let chunks = 0;
      const recovery = await harness.complete(
        recover(store, { clock: harness.clock, chunkEntriesMax: 20, onProgress: () => chunks++ }),
      );
      assert.deepEqual([recovery.recordsFolded, recovery.appliedTxId, recovery.lastEpoch], [300, 300, 1]);
      assert.ok(chunks > 2, `${chunks} chunks`);
      assert.deepEqual(plain([...store.tables.range(1)]), plain([...expected.range()]));
      assert.equal([...store.tables.range(Table.dedupe)].length, 1);
      assert.equal([...store.tables.range(Table.sequences)].length, 2);
      const again = await harness.complete(recover(store, { clock: harness.clock }));
      assert.equal(again.recordsFolded, 0);
    },
  },
  {
    name: 'checkpoints and recovery end in the same tables, wherever the checkpoint fell',
    async run(harness) {
      const store = await harness.open();
      const applied: number[] = [];
      const listener = { onApplied: (txId: number): number => applied.push(txId), onFailure: fail };
      const checkpointer = new Checkpointer(store.tables, harness.clock, listener, { entriesMax: 30 });
      const expected = await writeHistory(harness, store, 250, { checkpointer, upTo: 130 });
      await harness.complete(new Promise<void>((resolve) => checkpointer.flush(resolve)));
      checkpointer.close();
      assert.ok(applied.length > 1, `${applied.length} checkpoints`);
      assert.deepEqual([applied[applied.length - 1], store.tables.appliedTxId], [130, 130]);
      await harness.complete(recover(store, { clock: harness.clock }));
      assert.equal(store.tables.appliedTxId, 250);
      assert.deepEqual(plain([...store.tables.range(1)]), plain([...expected.range()]));
    },
  },
];

type Entry = readonly [tableId: number, key: string | Uint8Array, value: string | Uint8Array | undefined];

function changesOf(entries: readonly Entry[]): TableChanges {
  return tableChanges(
    entries.map(([tableId, key, value]) => ({
      tableId,
      key: Buffer.from(key),
      value: value === undefined ? undefined : Buffer.from(value),
    })),
  );
}

async function apply(
  harness: StoreHarness,
  tables: Store['tables'],
  changes: TableChanges,
  txId: number,
): Promise<void> {
  let isDone = false;
  const result = tables.apply(changes, txId, (error) => {
    assert.equal(error, undefined);
    isDone = true;
  });
  assert.equal(result, 'accepted');
  await harness.waitUntil(() => isDone);
}

/** Random puts and deletes over a few keys; returns what table 1 must hold after them. */
async function writeHistory(
  harness: StoreHarness,
  store: Store,
  count: number,
  behind?: { readonly checkpointer: Checkpointer; readonly upTo: number },
): Promise<SortedTable> {
  const random = new SeededRandom(7);
  const records = new SampleRecords(store.journal);
  const expected = new SortedTable();
  for (let txId = 1; txId <= count; txId++) {
    const changes = Array.from({ length: 1 + random.below(3) }, () => ({
      key: `k${random.below(80)}`,
      value: random.below(4) === 0 ? undefined : `v${txId}`,
    }));
    assert.equal(records.append(changes, txId), 'accepted');
    for (const { key, value } of changes) {
      if (value === undefined) expected.delete(Buffer.from(key));
      else expected.put(Buffer.from(key), Buffer.from(value));
    }
    const { bytes, start } = store.journal.appended;
    const isBehind = behind !== undefined && txId <= behind.upTo;
    if (isBehind) behind.checkpointer.append(txId, bytes, start, records.writer.length);
    if (txId % 10 !== 0) continue;
    await commit(harness, store);
    if (isBehind) behind.checkpointer.onStable(issueStable(store.journal.stableTxId));
  }
  await commit(harness, store);
  return expected;
}

function randomKey(random: SeededRandom): Buffer {
  // Few distinct bytes and 0xff among them: neighbours, prefixes and ends of tables all occur.
  return Buffer.from(Array.from({ length: 1 + random.below(4) }, () => [0, 1, 0x61, 0xfe, 0xff][random.below(5)]!));
}

function randomRange(random: SeededRandom): RangeBytes {
  const bound = (): Buffer | undefined => (random.below(2) === 0 ? undefined : randomKey(random));
  const [gte, gt, lte, lt] = [
    bound(),
    random.below(2) === 0 ? bound() : undefined,
    bound(),
    random.below(2) === 0 ? bound() : undefined,
  ];
  return {
    ...(gte === undefined ? {} : { gte }),
    ...(gt === undefined ? {} : { gt }),
    ...(lte === undefined ? {} : { lte }),
    ...(lt === undefined ? {} : { lt }),
    ...(random.below(2) === 0 ? {} : { reverse: true }),
    ...(random.below(3) === 0 ? { limit: random.below(8) } : {}),
  };
}

function plain(entries: readonly { key: Uint8Array; value: Uint8Array }[]): string[] {
  return entries.map(({ key, value }) => `${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString()}`);
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

function fail(error: Error): void {
  throw error;
}
