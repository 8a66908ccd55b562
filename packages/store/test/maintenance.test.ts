import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AepError, VirtualClock } from '@aep/kernel';
import {
  changes,
  Checkpointer,
  describeRecord,
  MemoryStore,
  readerFactKey,
  readerFactValue,
  ReaderRegistry,
  RecordReader,
  recover,
  Scrubber,
  Table,
  Trimmer,
  verifyStore,
  tableChanges,
} from '@aep/store';
import { Marks, SampleRecords } from '@aep/store/contract';

describe('checkpoints', () => {
  void it('hold nothing that is not stable (E35)', () => {
    const { clock, store, records } = started();
    const checkpointer = new Checkpointer(store.tables, clock, noListener, { entriesMax: 1, intervalMs: 0 });
    records.append([{ key: 'a', value: 'A' }]);
    checkpointer.append(1, store.journal.appended.bytes, store.journal.appended.start, records.writer.length);
    clock.advance(1_000);
    assert.equal(store.tables.appliedTxId, 0);
    assert.equal(store.tables.get(1, Buffer.from('a')), undefined);
  });

  void it('are taken after the interval when no other threshold is reached', () => {
    const { clock, store, feed } = started({ intervalMs: 500 });
    feed(3);
    clock.advance(400);
    assert.equal(store.tables.appliedTxId, 0);
    clock.advance(200);
    assert.equal(store.tables.appliedTxId, 3);
  });

  void it('say that they are behind when applies are slow, and no longer when they have caught up', () => {
    const { clock, store, feed, checkpointer } = started({ entriesMax: 10, behindEntriesMax: 40 });
    store.faults.applyMs = () => 100;
    feed(20);
    assert.equal(checkpointer.isBehind, false);
    feed(40);
    assert.equal(checkpointer.isBehind, true);
    clock.advance(1_000);
    assert.equal(checkpointer.isBehind, false);
    assert.equal(store.tables.appliedTxId, 60);
  });

  void it('report a failed write once, as fatal (H22)', () => {
    const failures: AepError[] = [];
    const { clock, store, feed } = started({ entriesMax: 1 }, (error) => failures.push(error));
    store.faults.failsNextApply = true;
    feed(5);
    clock.advance(5_000);
    feed(5);
    clock.advance(5_000);
    assert.deepEqual(
      failures.map((error) => [error.code, error.advice]),
      [['AEP_STORE_WRITE_FAILED', 'fatal']],
    );
    assert.equal(store.tables.appliedTxId, 0);
  });
});

describe('the watchdog', () => {
  void it('gives a commit that never ends up as AEP_STORE_STALLED (S3)', () => {
    const { clock, store, records, marks } = started();
    store.faults.hangs = true;
    records.appendMany(1);
    store.journal.commit();
    clock.advance(30_000);
    assert.deepEqual(
      marks.failures.map((error) => error.code),
      ['AEP_STORE_STALLED'],
    );
    assert.deepEqual(marks.stable, []);
    assert.equal(records.append([{ key: 'k', value: 'v' }]), 'closed');
  });

  void it('leaves slow commits alone', () => {
    const { clock, store, records, marks } = started();
    store.faults.commitMs = () => 9_000;
    for (let round = 0; round < 5; round++) {
      records.appendMany(1);
      store.journal.commit();
      clock.advance(9_500);
    }
    assert.deepEqual([marks.stable.length, marks.failures.length], [5, 0]);
  });
});

describe('the scrub', () => {
  void it('finds a flipped bit in an old record and names the record (S5)', () => {
    const { clock, store, feed } = started();
    feed(50);
    store.disk.flipBit(17, 60, 3);
    const found: AepError[] = [];
    const scrubber = new Scrubber(store.journal, clock, { intervalMs: 10, onDamage: (error) => found.push(error) });
    scrubber.start();
    clock.advance(10_000);
    assert.deepEqual(
      found.map((error) => [error.code, error.facts['txId']]),
      [['AEP_RECORD_CORRUPT', 17]],
    );
  });

  void it('goes round and round a good journal', () => {
    const { clock, store, feed } = started();
    feed(50);
    const scrubber = new Scrubber(store.journal, clock, { intervalMs: 10, onDamage: assert.ifError });
    scrubber.start();
    clock.advance(10_000);
    scrubber.stop();
    assert.ok(Number(scrubber.scrubFacts()['scrubRounds']) > 5);
  });
});

describe('verification', () => {
  void it('names the first bad record, and those before it count as checked', async () => {
    const { clock, store, feed } = started();
    feed(30);
    store.disk.flipBit(12, 20, 0);
    const report = await complete(clock, verifyStore(store.journal, { clock }));
    assert.equal(report.bad?.txId, 12);
    assert.equal(report.bad?.error.code, 'AEP_RECORD_CORRUPT');
    assert.equal(report.recordsChecked, 11);
  });

  void it('finds a write that came out short', async () => {
    const { clock, store, feed } = started();
    feed(5);
    store.disk.shorten(3);
    const report = await complete(clock, verifyStore(store.journal, { clock }));
    assert.equal(report.bad?.txId, 5);
  });
});

describe('recovery', () => {
  void it('stops at a damaged record with its txId, and leaves the tables before it', async () => {
    const { clock, store, feed } = started({ intervalMs: 100_000 });
    feed(30);
    store.disk.flipBit(21, 50, 1);
    const restarted = store.crash('lost');
    await assert.rejects(complete(clock, recover(restarted, { clock })), {
      code: 'AEP_RECORD_CORRUPT',
      facts: { txId: 21, at: 0 },
    });
    assert.ok(restarted.tables.appliedTxId < 21);
  });

  void it('refuses a journal that ends before the tables: AEP_STORE_DAMAGED', async () => {
    const { clock, store, feed } = started({ intervalMs: 1 });
    feed(10);
    clock.advance(100);
    assert.equal(store.tables.appliedTxId, 10);
    store.disk.runs.length = 1;
    await assert.rejects(complete(clock, recover(store.crash(), { clock })), {
      code: 'AEP_STORE_DAMAGED',
      advice: 'fatal',
    });
  });

  void it('refuses a journal that begins after what the tables have: AEP_STORE_DAMAGED', async () => {
    const { clock, store, feed } = started({ intervalMs: 100_000 });
    feed(10);
    store.disk.runs.splice(0, 1);
    await assert.rejects(complete(clock, recover(store.crash(), { clock })), { code: 'AEP_STORE_DAMAGED' });
  });

  void it('goes on with any part of the interrupted commit that survived a crash', async () => {
    for (const outcome of ['lost', 'kept', 'torn'] as const) {
      const { clock, store, feed, records } = started({ intervalMs: 100_000 });
      feed(10);
      store.faults.commitMs = () => 50;
      records.appendMany(5);
      store.journal.commit();
      const restarted = store.crash(outcome);
      const recovery = await complete(clock, recover(restarted, { clock }));
      const expected = { lost: [10], kept: [15], torn: [10, 11, 12, 13, 14] }[outcome];
      assert.ok(expected.includes(recovery.appliedTxId), `${outcome}: ${recovery.appliedTxId}`);
      new SampleRecords(restarted.journal).appendMany(1);
    }
  });
});

describe('retention (E104)', () => {
  void it('holds records that are not applied, not confirmed, not read by a registered reader, or too new', () => {
    const { clock, store, feed } = started();
    feed(100);
    const readers = new ReaderRegistry();
    const trimmer = new Trimmer({ journal: store.journal, clock, readers, retention: { count: 10 } });
    const trimmed = (): number => {
      trimmer.trimNow();
      clock.advance(10);
      return store.journal.firstTxId;
    };
    assert.equal(trimmed(), 1, 'nothing is applied');
    trimmer.applied(80);
    assert.equal(trimmed(), 1, 'nothing is confirmed');
    store.journal.setConfirmed(70);
    readers.saved('audit', 30);
    assert.equal(trimmed(), 31);
    readers.saved('audit', 60);
    assert.equal(trimmed(), 61);
    readers.removed('audit');
    assert.equal(trimmed(), 71);
    store.journal.setConfirmed(100);
    trimmer.applied(100);
    assert.equal(trimmed(), 91, 'the newest ten stay');
  });

  void it('keeps records younger than the age', () => {
    // Sample records carry times from 1 s after 1970 on, one millisecond apart.
    const { clock, store, feed } = started({}, undefined, new VirtualClock(0));
    feed(100);
    clock.advance(2_000);
    const readers = new ReaderRegistry();
    const ageMs = clock.wallMs() - 1_050;
    const trimmer = new Trimmer({ journal: store.journal, clock, readers, retention: { count: 0, ageMs } });
    trimmer.applied(100);
    store.journal.setConfirmed(100);
    trimmer.trimNow();
    clock.advance(10);
    assert.ok(store.journal.firstTxId > 30 && store.journal.firstTxId <= 51, `first is ${store.journal.firstTxId}`);
  });

  void it('finds the positions of readers in the tables (E103)', () => {
    const { clock, store } = started();
    const entry = { tableId: Table.facts, key: readerFactKey('audit'), value: readerFactValue(42) };
    store.tables.apply(tableChanges([entry]), 1, assert.ifError);
    clock.advance(1);
    const registry = ReaderRegistry.load(store.tables);
    assert.deepEqual([...registry.entries()], [['audit', 42]]);
    assert.equal(registry.lowest, 42);
    assert.throws(() => readerFactKey(''), { code: 'AEP_READER_NAME' });
  });
});

describe('change capture (E103)', () => {
  void it('ends after the last stable record when told, and refuses a position that has been trimmed', async () => {
    const { clock, store, feed } = started();
    feed(30);
    const seen: number[] = [];
    for await (const { txId } of changes(store.journal, { from: 25, clock, untilEnd: true })) seen.push(txId);
    assert.deepEqual(seen, [25, 26, 27, 28, 29, 30]);
    store.journal.trim(20);
    clock.advance(10);
    await assert.rejects(changes(store.journal, { from: 3, clock, untilEnd: true }).next(), {
      code: 'AEP_JOURNAL_TRIMMED',
    });
  });
});

describe('the description of a record', () => {
  void it('shows cause, changes and messages, decoded by hooks where they know how', () => {
    const { store, records, clock } = started();
    records.append(
      [
        { key: 'a', value: 'A' },
        { key: 'b', value: undefined },
      ],
      7,
    );
    store.journal.commit();
    clock.advance(1);
    const reader = new RecordReader();
    for (const { bytes } of store.journal.read(1)) reader.open(bytes);
    const description = describeRecord(reader, {
      message: (_factoryId, typeId, bytes) => (typeId === 2 ? { text: Buffer.from(bytes).toString() } : undefined),
      entry: (_tableId, key) => ({ key: Buffer.from(key).toString() }),
    });
    const {
      hash,
      previousHash,
      cause,
      changes: changed,
      outbound,
      ...rest
    } = JSON.parse(JSON.stringify(description)) as typeof description;
    assert.deepEqual(rest, {
      txId: 1,
      epoch: 1,
      kind: 'transaction',
      flags: [],
      timeMs: 1_000,
      seed: 0,
      byteCount: records.writer.length,
    });
    assert.match(hash, /^[0-9a-f]{16}$/);
    assert.equal(previousHash, '0'.repeat(16));
    assert.deepEqual(cause, {
      kind: 'inbound',
      bus: 'bus',
      channel: 'orders',
      qos: 1,
      senderId: 7,
      incarnation: 5,
      flow: 0,
      sno: 7,
      channelSno: 7,
    });
    assert.deepEqual(changed, [
      { change: 'put', tableId: 1, keyHex: '61', byteCount: 1, key: 'a' },
      { change: 'delete', tableId: 1, keyHex: '62', byteCount: 0, key: 'b' },
    ]);
    assert.deepEqual(
      outbound.map(({ channel, sno, message }) => [channel, sno, message.key, message.content]),
      [['order-events', 7, 'A/B', { text: 'sent 7' }]],
    );
  });
});

describe('options of a journal', () => {
  void it('out of range are refused with AEP_OPTION_INVALID', () => {
    assert.throws(() => new MemoryStore({ clock: new VirtualClock(), journal: { commitStallMs: 1 } }), {
      code: 'AEP_OPTION_INVALID',
      message: 'commitStallMs: expected 10..3600000, got 1',
    });
  });
});

const noListener = { onApplied(): void {}, onFailure(): void {} };

function started(options = {}, onFailure: (error: AepError) => void = () => {}, clock = new VirtualClock()) {
  const store = new MemoryStore({ clock });
  const marks = Marks.of(store);
  const records = new SampleRecords(store.journal);
  const checkpointer = new Checkpointer(store.tables, clock, { onApplied: () => {}, onFailure }, options);
  /** Appends records of one put each, in batches of five, all stable when it returns; time moves by 1 ms per batch. */
  const feed = (count: number): void => {
    for (let done = 0; done < count;) {
      for (let inBatch = 0; inBatch < 5 && done < count; inBatch++, done++) {
        records.appendMany(1);
        const { bytes, start } = store.journal.appended;
        checkpointer.append(store.journal.lastTxId, bytes, start, records.writer.length);
      }
      store.journal.commit();
      clock.advance(1);
      checkpointer.onStable({ txId: store.journal.stableTxId } as Parameters<typeof checkpointer.onStable>[0]);
    }
  };
  return { clock, store, marks, records, checkpointer, feed };
}

async function complete<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  const progress = { isSettled: false };
  const end = (): boolean => (progress.isSettled = true);
  promise.then(end, end);
  for (let step = 0; step < 10_000 && !progress.isSettled; step++) {
    clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return promise;
}
