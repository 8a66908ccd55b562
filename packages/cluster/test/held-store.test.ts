import assert from 'node:assert/strict';
import { it } from 'node:test';
import { HeldStore } from '@aep/cluster/internal';
import { VirtualClock } from '@aep/kernel';
import { MemoryStore } from '@aep/store';
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
