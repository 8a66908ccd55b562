import assert from 'node:assert/strict';
import { NO_HASH } from '../record-hash.js';
import { RecordReader } from '../record-reader.js';
import type { Store } from '../store.js';
import type { ContractCase } from './index.js';
import { Marks, type StoreHarness } from './harness.js';
import { SampleRecords } from './sample-records.js';

export const journalCases: readonly ContractCase[] = [
  {
    name: 'a new journal is empty and begins with record 1 (E30)',
    async run(harness) {
      const { journal } = await harness.open();
      assert.deepEqual([journal.firstTxId, journal.lastTxId, journal.stableTxId, journal.confirmedTxId], [1, 0, 0, 0]);
      assert.deepEqual({ ...journal.lastHash }, NO_HASH);
      assert.deepEqual([...journal.read(1)], []);
    },
  },
  {
    name: 'what was appended becomes stable in order, and never inside append or commit (E31)',
    async run(harness) {
      const store = await harness.open();
      const marks = Marks.of(store);
      const records = new SampleRecords(store.journal);
      for (let round = 0; round < 5; round++) {
        records.appendMany(3);
        store.journal.commit();
        assert.equal(marks.stable.includes(store.journal.lastTxId), false);
        await harness.waitUntil(() => store.journal.stableTxId === store.journal.lastTxId);
      }
      assert.equal(marks.stable[marks.stable.length - 1], 15);
      assert.deepEqual(
        marks.stable,
        [...marks.stable].sort((a, b) => a - b),
      );
    },
  },
  {
    name: 'records appended after a commit was asked for go with it or together with the next (E33)',
    async run(harness) {
      const store = await harness.open();
      const marks = Marks.of(store);
      const records = new SampleRecords(store.journal);
      records.appendMany(1);
      store.journal.commit();
      records.appendMany(50);
      await stableUpTo(harness, store, 51);
      // A journal may begin a commit later, and then with all that has come until then.
      assert.deepEqual(marks.stable, marks.stable.length === 1 ? [51] : [1, 51]);
    },
  },
  {
    name: 'what is read back is what was appended, from any record on',
    async run(harness) {
      const store = await harness.open();
      const records = new SampleRecords(store.journal);
      const written: Buffer[] = [];
      for (let index = 0; index < 40; index++) {
        assert.equal(records.append([{ key: `k${index}`, value: 'x'.repeat(index * 50) }]), 'accepted');
        written.push(Buffer.from(records.writer.bytes.subarray(0, records.writer.length)));
        if (index % 7 === 0) await commit(harness, store);
      }
      await commit(harness, store);
      for (const from of [1, 2, 8, 9, 23, 40]) {
        const read = [...store.journal.read(from)];
        assert.deepEqual(
          read.map((record) => record.txId),
          range(from, 40),
        );
        assert.deepEqual(
          read.map((record) => Buffer.from(record.bytes)),
          written.slice(from - 1),
        );
      }
      assert.deepEqual([...store.journal.read(41)], []);
    },
  },
  {
    name: 'a record that is not stable is not read',
    async run(harness) {
      const store = await harness.open();
      const records = new SampleRecords(store.journal);
      records.appendMany(2);
      await commit(harness, store);
      records.appendMany(1);
      assert.deepEqual(
        [...store.journal.read(1)].map((record) => record.txId),
        [1, 2],
      );
    },
  },
  {
    name: 'the copy that an append points at never changes',
    async run(harness) {
      const store = await harness.open();
      const records = new SampleRecords(store.journal);
      const copies: { bytes: Uint8Array; start: number; expected: Buffer }[] = [];
      for (let index = 0; index < 200; index++) {
        records.append([{ key: `k${index}`, value: 'v'.repeat(5_000) }]);
        const { bytes, start } = store.journal.appended;
        copies.push({ bytes, start, expected: Buffer.from(records.writer.bytes.subarray(0, records.writer.length)) });
        if (index % 20 === 0) await commit(harness, store);
      }
      await commit(harness, store);
      for (const { bytes, start, expected } of copies) {
        assert.equal(Buffer.compare(bytes.subarray(start, start + expected.length), expected), 0);
      }
    },
  },
  {
    name: 'a closed journal reopens at the same record, hash and confirmed position (E37)',
    async run(harness) {
      const first = await harness.open();
      new SampleRecords(first.journal).appendMany(10);
      first.journal.commit();
      await stableUpTo(harness, first, 10);
      first.journal.setConfirmed(7);
      const hash = { ...first.journal.lastHash };
      await harness.complete(first.close());
      const { journal } = await harness.open();
      assert.deepEqual(
        [journal.firstTxId, journal.lastTxId, journal.stableTxId, journal.confirmedTxId],
        [1, 10, 10, 7],
      );
      assert.deepEqual({ ...journal.lastHash }, hash);
    },
  },
  {
    name: 'close makes durable what was accepted, and then answers closed',
    async run(harness) {
      const store = await harness.open();
      const records = new SampleRecords(store.journal);
      records.appendMany(5);
      await harness.complete(store.close());
      assert.equal(records.append([{ key: 'late', value: 'x' }]), 'closed');
      const reopened = await harness.open();
      assert.equal(reopened.journal.lastTxId, 5);
    },
  },
  {
    name: 'the chain goes on over a reopening',
    async run(harness) {
      for (let round = 0; round < 3; round++) {
        const store = await harness.open();
        new SampleRecords(store.journal).appendMany(4);
        await harness.complete(store.close());
      }
      const store = await harness.open();
      assert.equal(checkChain(store), 12);
    },
  },
  {
    name: 'a record larger than a run is kept whole',
    async run(harness) {
      const store = await harness.open();
      const value = 'x'.repeat(1_500_000);
      assert.equal(new SampleRecords(store.journal).append([{ key: 'big', value }]), 'accepted');
      await commit(harness, store);
      const [record] = [...store.journal.read(1)];
      assert.ok(record!.bytes.length > value.length);
      assert.equal(checkChain(store), 1);
    },
  },
  {
    name: 'too much waiting is answered back-pressured, and goes on after onStable without loss (E43)',
    async run(harness) {
      const store = await harness.open();
      const marks = Marks.of(store);
      const records = new SampleRecords(store.journal);
      const value = 'x'.repeat(1_000_000);
      let accepted = 0;
      let refused = 0;
      while (refused === 0 && accepted < 2_000) {
        if (records.append([{ key: 'k', value }]) === 'accepted') accepted++;
        else refused++;
      }
      assert.equal(refused, 1, 'the bound on waiting bytes was not reached');
      // No commit() was asked for: the journal starts one itself, or the caller would wait for ever.
      await harness.waitUntil(() => marks.stable.length > 0);
      assert.equal(records.append([{ key: 'k', value }]), 'accepted');
      await commit(harness, store);
      assert.equal(checkChain(store), accepted + 1);
    },
  },
  {
    name: 'trimming gives up whole batches below the bound, and never the newest (E104)',
    async run(harness) {
      const store = await harness.open();
      const records = new SampleRecords(store.journal);
      for (let round = 0; round < 10; round++) {
        records.appendMany(5);
        await commit(harness, store);
      }
      store.journal.trim(23);
      await harness.waitUntil(() => store.journal.firstTxId === 21);
      assert.throws(() => [...store.journal.read(20)], { code: 'AEP_JOURNAL_TRIMMED' });
      assert.deepEqual(
        [...store.journal.read(21)].map((record) => record.txId),
        range(21, 50),
      );
      store.journal.trim(1_000);
      await harness.waitUntil(() => store.journal.firstTxId === 46);
      await harness.complete(store.close());
      const reopened = await harness.open();
      assert.deepEqual([reopened.journal.firstTxId, reopened.journal.lastTxId], [46, 50]);
    },
  },
  {
    name: 'a tail is cut durably, anywhere, and the chain goes on from there (H5)',
    async run(harness) {
      for (const afterTxId of [30, 17, 15, 3, 0]) {
        const store = await harness.open();
        const records = new SampleRecords(store.journal);
        while (store.journal.lastTxId < 30) {
          records.appendMany(5);
          await commit(harness, store);
        }
        store.journal.setConfirmed(30);
        records.appendMany(2); // these wait, and are given up too
        let isDone = false;
        store.journal.cut(afterTxId, () => (isDone = true));
        assert.equal(records.append([{ key: 'k', value: 'v' }]), 'back-pressured');
        await harness.waitUntil(() => isDone);
        assert.deepEqual([store.journal.lastTxId, store.journal.stableTxId], [afterTxId, afterTxId]);
        assert.equal(store.journal.confirmedTxId, afterTxId);
        await harness.complete(store.close());
        const reopened = await harness.open();
        assert.equal(reopened.journal.lastTxId, afterTxId);
        assert.equal(checkChain(reopened), afterTxId);
        new SampleRecords(reopened.journal).appendMany(2);
        await commit(harness, reopened);
        assert.equal(checkChain(reopened), afterTxId + 2);
        await harness.complete(reopened.close());
      }
    },
  },
  {
    name: 'a cut waits for the commit in flight, and takes away what it wrote',
    async run(harness) {
      const store = await harness.open();
      const marks = Marks.of(store);
      const records = new SampleRecords(store.journal);
      records.appendMany(4);
      await commit(harness, store);
      records.appendMany(3);
      store.journal.commit();
      let isDone = false;
      store.journal.cut(4, () => (isDone = true));
      await harness.waitUntil(() => isDone);
      assert.equal(checkChain(store), 4);
      assert.equal(marks.stable.includes(7), false, 'what was cut is never called stable');
      records.appendMany(1);
      await commit(harness, store);
      assert.equal(checkChain(store), 5);
    },
  },
  {
    name: 'an epoch is durable when its callback comes, and never falls (H4)',
    async run(harness) {
      const store = await harness.open();
      await setEpoch(harness, store, 4);
      await setEpoch(harness, store, 3);
      assert.equal(store.epoch, 4);
      await harness.complete(store.close());
      assert.equal((await harness.open()).epoch, 4);
    },
  },
  {
    name: 'the identity is made once and kept (E51)',
    async run(harness) {
      const first = await harness.open();
      const identity = { ...first.identity };
      await harness.complete(first.close());
      assert.deepEqual({ ...(await harness.open()).identity }, identity);
    },
  },
  {
    name: 'after kill -9 everything that was stable is there and the chain is whole',
    needs: 'kill',
    async run(harness) {
      for (let round = 1; round <= 4; round++) {
        const store = await harness.open();
        new SampleRecords(store.journal).appendMany(25);
        store.journal.commit();
        await stableUpTo(harness, store, store.journal.lastTxId);
        const stable = store.journal.stableTxId;
        new SampleRecords(store.journal).appendMany(3);
        store.journal.commit();
        await harness.kill!(store);
        const reopened = await harness.open();
        assert.ok(reopened.journal.lastTxId >= stable, `record ${stable} was stable`);
        assert.equal(checkChain(reopened), reopened.journal.lastTxId);
        await harness.complete(reopened.close());
      }
    },
  },
  {
    name: 'a failed write is reported once, nothing becomes stable after it, and appends answer closed (E34, S3)',
    needs: 'failingWrite',
    async run(harness) {
      const store = await harness.open();
      const marks = Marks.of(store);
      const records = new SampleRecords(store.journal);
      records.appendMany(2);
      store.journal.commit();
      await stableUpTo(harness, store, 2);
      harness.fail!(store);
      records.appendMany(2);
      store.journal.commit();
      records.appendMany(2);
      await harness.waitUntil(() => marks.failures.length > 0);
      assert.equal(marks.failures[0]!.advice, 'fatal');
      assert.equal(records.append([{ key: 'k', value: 'v' }]), 'closed');
      store.journal.commit();
      await harness.complete(store.close());
      assert.deepEqual(marks.stable, [2]);
      assert.equal(marks.failures.length, 1);
    },
  },
  {
    name: 'without room the journal takes no records, keeps what it has accepted, and resumes (S4)',
    needs: 'freeSpace',
    async run(harness) {
      const store = await harness.open();
      const records = new SampleRecords(store.journal);
      harness.setFreeBytes!(0);
      records.appendMany(3);
      store.journal.commit();
      await harness.waitUntil(() => store.statistics()['isStarvedOfSpace'] === true);
      assert.equal(records.append([{ key: 'k', value: 'v' }]), 'back-pressured');
      assert.equal(store.journal.stableTxId, 0);
      harness.setFreeBytes!(1e12);
      await stableUpTo(harness, store, 3);
      assert.equal(records.append([{ key: 'k', value: 'v' }]), 'accepted');
      assert.equal(store.statistics()['isStarvedOfSpace'], false);
    },
  },
];

export async function commit(harness: Pick<StoreHarness, 'waitUntil'>, store: Store): Promise<void> {
  store.journal.commit();
  await stableUpTo(harness, store, store.journal.lastTxId);
}

export async function stableUpTo(harness: Pick<StoreHarness, 'waitUntil'>, store: Store, txId: number): Promise<void> {
  await harness.waitUntil(() => store.journal.stableTxId >= txId);
}

async function setEpoch(harness: StoreHarness, store: Store, epoch: number): Promise<void> {
  let isDone = false;
  store.setEpoch(epoch, (error) => {
    assert.equal(error, undefined);
    isDone = true;
  });
  assert.equal(isDone, false, 'the callback comes from the event loop');
  await harness.waitUntil(() => isDone);
}

/** Reads the whole journal and checks numbers and hashes; returns how many records it has. */
export function checkChain(store: Store): number {
  const reader = new RecordReader();
  let count = 0;
  const hash = { low: 0, high: 0 };
  for (const { bytes } of store.journal.read(store.journal.firstTxId)) {
    reader.open(bytes);
    if (count > 0 || reader.txId === 1) reader.checkFollows(reader.txId - 1, hash);
    hash.low = reader.hash.low;
    hash.high = reader.hash.high;
    count++;
  }
  return count;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
