import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '@aep/kernel';
import { changes, recover, tableChanges } from '@aep/store';
import { Marks, SampleRecords } from '@aep/store/contract';
import { openLmdbStoreReader } from '@aep/store-lmdb';
import { inDirectory, open, pick, until, write } from './file-store.js';

describe('reading a store beside its writer', () => {
  void it('a reader finds no store where none is: AEP_STORE_MISSING', async () => {
    await inDirectory(async (path) => {
      assert.throws(() => openLmdbStoreReader({ path }), { code: 'AEP_STORE_MISSING' });
      assert.equal(existsSync(`${path}/journal`), false);
    });
  });

  void it('another process reads and follows the journal while the writer runs (E103)', async () => {
    await inDirectory(async (path) => {
      const store = await open(path);
      const marks = Marks.of(store);
      const records = new SampleRecords(store.journal);
      records.appendMany(20);
      store.journal.commit();
      await until(() => marks.stable.includes(20));
      const script = fileURLToPath(new URL('./reader-process.js', import.meta.url));
      const output = execFileSync(process.execPath, [script, path, '5'], { encoding: 'utf8' });
      assert.deepEqual(JSON.parse(output), {
        txIds: Array.from({ length: 16 }, (_, index) => index + 5),
        bad: null,
        applied: 0,
      });
      await store.close();
    });
  });

  void it('changes go on with new records as they become stable, and end by their signal (E103)', async () => {
    await inDirectory(async (path) => {
      const store = await open(path);
      Marks.of(store);
      const records = new SampleRecords(store.journal);
      const stop = new AbortController();
      const seen: number[] = [];
      records.appendMany(3);
      store.journal.commit();
      for await (const { txId } of changes(store.journal, {
        from: 2,
        clock: new SystemClock(),
        pollMs: 1,
        signal: stop.signal,
      })) {
        seen.push(txId);
        if (txId === 3) {
          records.appendMany(2);
          store.journal.commit();
        }
        if (txId === 5) stop.abort();
      }
      assert.deepEqual(seen, [2, 3, 4, 5]);
      await store.close();
    });
  });

  void it('a copy made beside the writer is a whole store', async () => {
    await inDirectory(async (path) => {
      const store = await open(path);
      await write(store, 50);
      await store.copyTo(`${path}/copy`);
      await write(store, 10);
      await store.close();
      const copy = await open(`${path}/copy`);
      assert.equal(copy.journal.lastTxId, 50);
      await recover(copy, { clock: new SystemClock() });
      assert.deepEqual(pick(await copy.verify()), { bad: undefined, tables: 'equal' });
      await copy.close();
    });
  });

  void it('verification finds tables that differ from the fold, and names the entry', async () => {
    await inDirectory(async (path) => {
      const store = await open(path);
      await write(store, 10);
      await recover(store, { clock: new SystemClock() });
      const tampered = { tableId: 1, key: Buffer.from('key-4'), value: Buffer.from('tampered') };
      await new Promise<void>((resolve) => {
        store.tables.apply(tableChanges([tampered]), 10, () => resolve());
      });
      const report = await store.verify();
      assert.equal(report.tables, 'different');
      assert.deepEqual(report.difference, { tableId: 1, keyHex: Buffer.from('key-4').toString('hex') });
      await store.close();
    });
  });

  void it('a snapshot open past its deadline is closed and answers AEP_READER_EXPIRED (S9)', async () => {
    await inDirectory(async (path) => {
      const store = await open(path, { readerDeadlineMs: 10 });
      const snapshot = store.tables.snapshot();
      await until(() => store.statistics()['readersExpired'] === 1);
      assert.throws(() => snapshot.get(1, Buffer.from('a')), { code: 'AEP_READER_EXPIRED', advice: 'retry' });
      snapshot.close();
      await store.close();
    });
  });
});
