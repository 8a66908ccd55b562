import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type AepError, type Log, silentLog, SystemClock } from '@aep/kernel';
import { Checkpointer } from '@aep/store';
import { SampleRecords } from '@aep/store/contract';
import { type LmdbStore, openLmdbStore } from '@aep/store-lmdb';
import { FoldThread } from '@aep/store-lmdb/internal';

describe('checkpoints by a thread of the store', () => {
  void it('end in the tables that a fold of the journal gives, also when they are read between them (E35)', async () => {
    await withStore(async (store, path) => {
      const load = new Load(store);
      let reads = 0;
      await load.runUntil(() => {
        const { appliedTxId } = store.tables;
        if (appliedTxId > 0 && ++reads % 16 === 0)
          assert.equal(text(store, `key-${appliedTxId}`), `value of ${appliedTxId}`, 'what is applied can be read');
        return load.inBackground >= 5;
      });
      assert.ok(reads > 16, `${reads} reads`);
      await load.end();
      const { tables, bad } = await store.verify();
      assert.deepEqual([tables, bad], ['equal', undefined]);
      await store.close();
      const again = await open(path);
      assert.equal(again.tables.appliedTxId, again.journal.lastTxId);
      await again.close();
    });
  });

  void it('refuse a record that does not read back as it was written: the member stops, the tables stay as they were (H22)', async () => {
    await withStore(async (store, path) => {
      const load = new Load(store);
      await load.runUntil(() => load.inBackground >= 1);
      await load.rest();
      const before = store.tables.appliedTxId;
      load.append(1);
      await load.stable();
      flipIn(join(path, 'journal/data.mdb'), `value of ${store.journal.lastTxId}`);
      load.checkpointer.flush(() => undefined);
      await until(() => load.failures.length > 0);
      assert.deepEqual(
        load.failures.map(({ code, advice }) => [code, advice]),
        [['AEP_RECORD_CORRUPT', 'fatal']],
      );
      assert.equal(store.tables.appliedTxId, before);
      await store.close();
    });
  });

  void it('stay on the event loop when the thread cannot start, and the log says so', async () => {
    const warnings: string[] = [];
    const log: Log = { log: (_level, message) => warnings.push(message), child: () => log };
    const thread = new FoldThread({ path: '/dev/null', mapSizeBytes: 1_048_576, noSync: true }, log);
    assert.equal(thread.prepare(), false);
    await until(() => warnings.length > 0);
    assert.match(warnings[0]!, /checkpoints stay on the event loop/);
    assert.equal(thread.prepare(), false);
  });

  void it('fail when the thread has ended: a checkpoint that is never answered would hold a stop for ever', async () => {
    await withStore(async (store, path) => {
      const thread = new FoldThread({ path, mapSizeBytes: 1_048_576, noSync: true }, silentLog);
      await until(() => thread.prepare());
      await new Promise<void>((resolve) => {
        thread.end(resolve);
      });
      const error = await new Promise<Error | undefined>((resolve) => {
        thread.fold(1, resolve);
      });
      assert.match(error!.message, /has ended/);
      await store.close();
    });
  });
});

/** Records of one put each, as fast as the journal takes them. */
class Load {
  readonly failures: AepError[] = [];
  readonly checkpointer: Checkpointer;
  private readonly records: SampleRecords;

  constructor(private readonly store: LmdbStore) {
    const onFailure = (error: AepError): void => {
      this.failures.push(error);
    };
    this.records = new SampleRecords(store.journal);
    this.checkpointer = new Checkpointer(
      store.tables,
      new SystemClock(),
      { onApplied: () => undefined, onFailure },
      { entriesMax: 50 },
    );
    store.journal.listen({ onStable: (mark) => this.checkpointer.onStable(mark), onFailure });
  }

  get inBackground(): number {
    return Number(this.checkpointer.checkpointFacts()['checkpointsInBackground']);
  }

  append(count: number): void {
    const { journal } = this.store;
    for (let index = 0; index < count; index++) {
      this.records.appendMany(1);
      this.checkpointer.append(
        journal.lastTxId,
        journal.appended.bytes,
        journal.appended.start,
        this.records.writer.length,
      );
    }
    journal.commit();
  }

  async stable(): Promise<void> {
    await until(() => this.store.journal.stableTxId === this.store.journal.lastTxId);
  }

  async runUntil(isEnough: () => boolean): Promise<void> {
    await until(() => {
      if (isEnough()) return true;
      this.append(20);
      return false;
    });
  }

  /** Everything is applied. */
  async rest(): Promise<void> {
    await this.stable();
    await new Promise<void>((resolve) => {
      this.checkpointer.flush(resolve);
    });
  }

  async end(): Promise<void> {
    await this.rest();
    this.checkpointer.close();
    assert.deepEqual(this.failures, []);
  }
}

function open(path: string): Promise<LmdbStore> {
  return openLmdbStore({ path, engineName: 'folding', durability: 'os', verifyOnOpen: false });
}

async function withStore(use: (store: LmdbStore, path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'aep-store-'));
  try {
    await use(await open(path), path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

function text(store: LmdbStore, key: string): string {
  return Buffer.from(store.tables.get(1, Buffer.from(key))!).toString();
}

/** In every place where it stands: pages that were freed may hold older copies. */
function flipIn(file: string, content: string): void {
  const bytes = readFileSync(file);
  let found = 0;
  for (let at = bytes.indexOf(content); at >= 0; at = bytes.indexOf(content, at + 1), found++) bytes[at]! ^= 1;
  assert.ok(found > 0);
  writeFileSync(file, bytes, { flag: 'r+' });
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'waited 20 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
