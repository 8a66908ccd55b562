import assert from 'node:assert/strict';
import { it } from 'node:test';
import { HeldStore } from '@aep/cluster/internal';
import { AepError, VirtualClock } from '@aep/kernel';
import { type BackgroundFold, MemoryStore, tableChanges } from '@aep/store';
import { SampleRecords } from '@aep/store/contract';

it('records that a trim was asked for are not counted on any more, although the journal gives them up later', () => {
  const clock = new VirtualClock();
  const store = new MemoryStore({ clock });
  const held = new HeldStore(store, () => assert.fail('no failure'));
  const records = new SampleRecords(store.journal);
  for (let batch = 0; batch < 5; batch++) {
    records.appendMany(10);
    store.journal.commit();
    clock.settle();
  }
  held.trim(31);
  assert.equal(store.journal.firstTxId, 1); // in small steps, beside its commits
  assert.equal(held.firstTxId, 31);
  clock.settle();
  assert.equal(store.journal.firstTxId, 31);
  held.trim(20);
  held.trim(1_000); // the newest durable record stays
  assert.equal(held.firstTxId, 50);
});

it('a write to the tables that fails is the failure of the member, whatever has become of the engine that asked for it (H22)', () => {
  const clock = new VirtualClock();
  const store = new MemoryStore({ clock });
  const failures: string[] = [];
  const held = new HeldStore(store, (error) => failures.push(error.code));
  store.faults.failsNextApply = true;
  const told: (AepError | undefined)[] = [];
  held.tables.apply(tableChanges([]), 0, (error) => told.push(error));
  clock.settle();
  assert.equal(told.length, 1);
  assert.deepEqual(failures, [told[0]!.code]);
  assert.equal(held.failure, told[0]);
});

it('so is one that the thread of the store fails, and the first failure counts (H22)', () => {
  const clock = new VirtualClock();
  const store = new MemoryStore({ clock });
  const failures: string[] = [];
  const background: BackgroundFold = {
    prepare: () => true,
    fold: (txId, done) => {
      done(new AepError(`AEP_TEST_${txId}`, 'fatal', 'planted'), 0);
      return 'accepted';
    },
  };
  Object.assign(store.tables, { background });
  const held = new HeldStore(store, (error) => failures.push(error.code));
  const told: (string | undefined)[] = [];
  for (const txId of [1, 2]) held.tables.background!.fold(txId, (error) => told.push(error?.code));
  assert.deepEqual(told, ['AEP_TEST_1', 'AEP_TEST_2']);
  assert.deepEqual(failures, ['AEP_TEST_1']);
});
