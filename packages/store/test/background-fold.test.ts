import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AepError, VirtualClock } from '@aep/kernel';
import {
  type ApplyResult,
  type BackgroundFold,
  ChangeMap,
  Checkpointer,
  foldRecord,
  MemoryStore,
  RecordReader,
  type StateTables,
} from '@aep/store';
import { SampleRecords } from '@aep/store/contract';

describe('checkpoints beside the event loop', () => {
  void it('begin when records come in numbers and the thread is there, and miss nothing of before', () => {
    const world = new World();
    world.feed(3);
    world.clock.advance(2_000);
    assert.equal(world.thread.asked, 0, 'a few records are no reason for a thread');
    world.feed(10);
    assert.equal(world.thread.asked, 1);
    world.feed(20);
    world.clock.advance(100);
    assert.deepEqual(world.thread.folds, [], 'it is not there yet');
    world.thread.isThere = true;
    world.feed(200);
    world.clock.advance(2_000);
    assert.ok(world.thread.folds.length > 1, `${world.thread.folds.length} folds`);
    assert.equal(world.store.tables.appliedTxId, 233);
    world.checkTables(233);
    const facts = world.checkpointer.checkpointFacts();
    assert.equal(facts['checkpointsInBackground'], world.thread.folds.length);
    assert.deepEqual([facts['changesWaiting'], facts['checkpointLagBytes']], [0, 0]);
  });

  void it('never go past what is stable (E35)', () => {
    const world = World.inBackground();
    const { txId, before } = world.appendUnstable();
    world.feed(40, txId - 1);
    world.clock.advance(5_000);
    assert.equal(world.store.tables.appliedTxId, before);
  });

  void it('end a flush when everything that is stable is in the tables', () => {
    const world = World.inBackground();
    world.feed(7);
    const lastTxId = world.store.journal.stableTxId;
    assert.ok(world.store.tables.appliedTxId < lastTxId);
    let appliedAtEnd = 0;
    world.checkpointer.flush(() => (appliedAtEnd = world.store.tables.appliedTxId));
    world.clock.advance(100);
    assert.equal(appliedAtEnd, lastTxId);
  });

  void it('take what was appended before one of them and is stable after it, though nothing more comes', () => {
    const world = World.inBackground();
    world.feed(7);
    const { txId } = world.appendUnstable();
    let hasEnded = false;
    world.checkpointer.flush(() => (hasEnded = true));
    world.makeStable();
    world.clock.advance(100);
    assert.deepEqual([hasEnded, world.store.tables.appliedTxId], [true, txId]);
  });

  void it('say that they are behind while the thread is slow', () => {
    const world = World.inBackground({ behindEntriesMax: 100 });
    world.thread.foldMs = 10_000;
    world.feed(150);
    assert.equal(world.checkpointer.isBehind, true);
    world.clock.advance(30_000);
    assert.equal(world.checkpointer.isBehind, false);
    assert.equal(world.store.tables.appliedTxId, world.store.journal.stableTxId);
  });

  void it('report a failure of the thread once, and try nothing more (H22)', () => {
    const world = World.inBackground();
    world.thread.failure = new AepError('AEP_STORE_WRITE_FAILED', 'fatal', 'planted');
    world.feed(200);
    const folds = world.thread.folds.length;
    world.feed(200);
    world.clock.advance(5_000);
    assert.deepEqual(
      world.failures.map(({ code }) => code),
      ['AEP_STORE_WRITE_FAILED'],
    );
    assert.equal(world.thread.folds.length, folds);
  });
});

/** What the thread of a real store does, at a time of its own, over the journal in memory. */
class ThreadInMemory implements BackgroundFold {
  asked = 0;
  isThere = false;
  foldMs = 5;
  failure: AepError | undefined;
  readonly folds: number[] = [];
  private readonly reader = new RecordReader();

  constructor(
    private readonly store: MemoryStore,
    private readonly clock: VirtualClock,
  ) {}

  prepare(): boolean {
    this.asked++;
    return this.isThere;
  }

  fold(toTxId: number, done: (error: AepError | undefined, entries: number) => void): ApplyResult {
    const { journal, tables } = this.store;
    assert.ok(toTxId > tables.appliedTxId && toTxId <= journal.stableTxId);
    this.folds.push(toTxId);
    this.clock.schedule(this.foldMs, () => {
      if (this.failure !== undefined) {
        done(this.failure, 0);
        return;
      }
      const changes = new ChangeMap();
      for (const { txId, bytes } of journal.read(tables.appliedTxId + 1)) {
        if (txId > toTxId) break;
        this.reader.open(bytes);
        foldRecord(this.reader, changes);
      }
      tables.apply(changes, toTxId, (error) => done(error, changes.size));
    });
    return 'accepted';
  }
}

class World {
  readonly clock = new VirtualClock();
  readonly store = new MemoryStore({ clock: this.clock });
  readonly thread = new ThreadInMemory(this.store, this.clock);
  readonly failures: AepError[] = [];
  readonly checkpointer: Checkpointer;
  private readonly records = new SampleRecords(this.store.journal);

  constructor(options: { behindEntriesMax?: number } = {}) {
    const { tables } = this.store;
    const withThread: StateTables = {
      get appliedTxId() {
        return tables.appliedTxId;
      },
      background: this.thread,
      get: (tableId, key) => tables.get(tableId, key),
      range: (tableId, range) => tables.range(tableId, range),
      apply: (changes, txId, done) => tables.apply(changes, txId, done),
      snapshot: () => tables.snapshot(),
    };
    const listener = { onApplied: () => {}, onFailure: (error: AepError) => this.failures.push(error) };
    this.checkpointer = new Checkpointer(withThread, this.clock, listener, { entriesMax: 10, ...options });
  }

  /** One whose checkpoints are beside the event loop, with everything applied. */
  static inBackground(options: { behindEntriesMax?: number } = {}): World {
    const world = new World(options);
    world.thread.isThere = true;
    world.feed(100);
    world.clock.advance(5_000);
    assert.ok(world.thread.folds.length > 0);
    assert.equal(world.store.tables.appliedTxId, 100);
    return world;
  }

  /** Appends records of one put each and makes them stable, for the checkpointer up to `stableMax` only. */
  feed(count: number, stableMax = Infinity): void {
    for (let done = 0; done < count; done++) {
      this.append();
      this.makeStable(stableMax);
    }
  }

  makeStable(stableMax = Infinity): void {
    this.store.journal.commit();
    this.clock.advance(1);
    const txId = Math.min(this.store.journal.stableTxId, stableMax);
    this.checkpointer.onStable({ txId } as Parameters<Checkpointer['onStable']>[0]);
  }

  /** A record that the checkpointer is never told to be stable. */
  appendUnstable(): { txId: number; before: number } {
    const before = this.store.tables.appliedTxId;
    this.append();
    return { txId: this.store.journal.lastTxId, before };
  }

  checkTables(count: number): void {
    const keys = [...this.store.tables.range(1)].map(({ key }) => Buffer.from(key).toString());
    assert.deepEqual(keys, Array.from({ length: count }, (_, index) => `key-${index + 1}`).toSorted());
  }

  private append(): void {
    this.records.appendMany(1);
    const { bytes, start } = this.store.journal.appended;
    this.checkpointer.append(this.store.journal.lastTxId, bytes, start, this.records.writer.length);
  }
}
