import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '@aep/kernel';
import { CommitPacer, lackOfRoom } from '@aep/store-lmdb/internal';

describe('the choice of a commit (S8)', () => {
  void it('in mode auto is the blocking way for few records, the other for many', () => {
    const pacer = new CommitPacer('auto', 1, new VirtualClock());
    assert.deepEqual([pacer.isSync(1), pacer.isSync(4), pacer.isSync(5)], [true, true, false]);
  });

  void it('forgives one slow sync, gives the blocking way up after several, and tries it again later', () => {
    const clock = new VirtualClock();
    const pacer = new CommitPacer('auto', 1, clock);
    for (let count = 0; count < 50; count++) pacer.measured(0.2);
    pacer.measured(500);
    assert.equal(pacer.isSync(1), true);
    for (let count = 0; count < 20; count++) pacer.measured(5);
    assert.equal(pacer.isSync(1), false);
    clock.advance(10_000);
    assert.equal(pacer.isSync(1), false);
    clock.advance(10_000);
    assert.equal(pacer.isSync(1), true);
  });

  void it('is never another than the one that was told', () => {
    const clock = new VirtualClock();
    const [sync, async_] = [new CommitPacer('sync', 1, clock), new CommitPacer('async', 1, clock)];
    for (let count = 0; count < 100; count++) sync.measured(100);
    assert.deepEqual([sync.isSync(1), sync.isSync(10_000), async_.isSync(1)], [true, true, false]);
  });
});

describe('the check for room (S4)', () => {
  const volume = { path: '/somewhere', freeSpaceReserveBytes: 1_000 };

  void it('wants twice the bytes of the batch beside the reserve', () => {
    const free = (freeBytes: number): string | undefined =>
      lackOfRoom({ ...volume, freeSpace: { freeBytes: () => freeBytes } }, 100);
    assert.equal(free(1_200), undefined);
    assert.match(free(1_199)!, /1199 bytes left, 1200 are wanted/);
  });

  void it('counts a volume that does not answer as full, instead of failing', () => {
    const freeBytes = (): never => {
      throw new Error('stale handle');
    };
    assert.match(lackOfRoom({ ...volume, freeSpace: { freeBytes } }, 1)!, /does not say .* stale handle/);
  });
});
