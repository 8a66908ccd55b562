import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '@aep/kernel';
import { CommitPacer, lackOfRoom } from '@aep/store-lmdb/internal';

describe('the choice of a commit (S8)', () => {
  void it('in mode auto is the other thread until short commits there have shown that the disk is fast', () => {
    const pacer = new CommitPacer('auto', 1, new VirtualClock());
    for (let count = 0; count < 16; count++) {
      assert.equal(pacer.isSync(1), false);
      pacer.measuredBehind(0.6, 1);
    }
    assert.deepEqual([pacer.isSync(1), pacer.isSync(8), pacer.isSync(9)], [true, true, false]);
  });

  void it('never is the blocking way on a slow disk, not even for a trial', () => {
    const clock = new VirtualClock();
    const pacer = new CommitPacer('auto', 1, clock);
    for (let count = 0; count < 1_000; count++) {
      assert.equal(pacer.isSync(1), false);
      pacer.measuredBehind(5.5, 1);
      clock.advance(100);
    }
  });

  void it('judges the disk by small batches: a busy loop hears late of the others, and one that is a hiccup costs little', () => {
    const pacer = fastDisk(new VirtualClock());
    for (let count = 0; count < 100; count++) pacer.measuredBehind(30, 500);
    assert.equal(pacer.isSync(1), true);
    pacer.measuredBehind(30, 1);
    assert.equal(pacer.isSync(1), true);
  });

  void it('forgives one slow sync, and gives the blocking way up after several until the disk is fast again', () => {
    const clock = new VirtualClock();
    const pacer = fastDisk(clock);
    for (let count = 0; count < 50; count++) pacer.measured(0.2);
    pacer.measured(500);
    assert.equal(pacer.isSync(1), true);
    for (let count = 0; count < 7; count++) pacer.measured(5);
    assert.equal(pacer.isSync(1), false);
    for (let count = 0; count < 100; count++) pacer.measuredBehind(5.5, 1);
    clock.advance(10_000);
    pacer.measuredBehind(0.6, 1);
    assert.equal(pacer.isSync(1), false);
    for (let count = 0; count < 15; count++) pacer.measuredBehind(0.6, 1);
    assert.equal(pacer.isSync(1), true);
  });

  void it('leaves the loop alone for a while after a slow phase, however short the commits on the other thread are', () => {
    const clock = new VirtualClock();
    const pacer = fastDisk(clock);
    for (let count = 0; count < 20; count++) pacer.measured(1.5);
    for (let count = 0; count < 20; count++) pacer.measured(1.5);
    assert.equal(pacer.isSync(1), false);
    for (let count = 0; count < 100; count++) pacer.measuredBehind(1.6, 1);
    assert.equal(pacer.isSync(1), false);
    clock.advance(1_000);
    pacer.measuredBehind(1.6, 1);
    assert.equal(pacer.isSync(1), true);
  });

  void it('is never another than the one that was told', () => {
    const clock = new VirtualClock();
    const [sync, async_] = [new CommitPacer('sync', 1, clock), new CommitPacer('async', 1, clock)];
    for (let count = 0; count < 100; count++) sync.measured(100);
    assert.deepEqual([sync.isSync(1), sync.isSync(10_000), async_.isSync(1)], [true, true, false]);
  });
});

/** Mode auto after enough short commits. */
function fastDisk(clock: VirtualClock): CommitPacer {
  const pacer = new CommitPacer('auto', 1, clock);
  for (let count = 0; count < 32; count++) pacer.measuredBehind(0.6, 1);
  return pacer;
}

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
