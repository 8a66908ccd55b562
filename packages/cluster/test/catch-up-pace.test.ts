import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MemberLimits } from '@aep/cluster';
import { CatchUpPace } from '@aep/cluster/internal';
import { VirtualClock } from '@aep/kernel';
import { storeOf, World } from './world.js';

const MISSED = 3_000;

/** `a` works alone and `b` lacks records; the newest in memory are few. */
async function withAbsentee(limits: Partial<MemberLimits>): Promise<World> {
  const world = new World(['a', 'b'], { limits: { recentBytesMax: 1_000, pairWithinRecords: 100, ...limits } });
  world.bootAll();
  await world.untilWhole();
  world.kill('b');
  await world.until('a alone', () => listed(world) === 1);
  for (let round = 0; round < MISSED / 50; round++) await world.write(50);
  await world.advance(200, 10);
  return world;
}

function listed(world: World): number {
  return world.register.record!.members.length;
}

function bytesOfMissed(world: World): number {
  let bytes = 0;
  for (const record of storeOf(world.machine('a')).journal.read(1)) bytes += record.bytes.length;
  return bytes;
}

/** Milliseconds until `b`, which boots now, is listed, while so many records come in each millisecond. */
async function joinMs(world: World, perMs: number): Promise<number> {
  const beganMs = world.clock.monotonicMs();
  world.boot('b');
  for (let due = 0; listed(world) === 1;) {
    assert.ok(world.clock.monotonicMs() - beganMs < 60_000, `never listed\n${world.tail()}`);
    for (due += perMs; due >= 1; due--) world.machine('a').write(1);
    await world.advance(1);
  }
  return world.clock.monotonicMs() - beganMs;
}

describe('the pace at which a member catches up (H12)', () => {
  it('is a share of so many bytes a second while records come in', async () => {
    const catchUpBytesPerSecond = 100_000;
    const world = await withAbsentee({ catchUpBytesPerSecond });
    const evenlyMs = (bytesOfMissed(world) / catchUpBytesPerSecond) * 1_000;
    const tookMs = await joinMs(world, 0.1);
    assert.ok(evenlyMs > 1_000, `the missed ones are few: ${evenlyMs} ms`);
    assert.ok(tookMs > 0.9 * evenlyMs && tookMs < 2 * evenlyMs, `${tookMs} ms instead of ${evenlyMs}`);
    world.checkReleased();
  });

  it('is all it takes a moment after the last that came in', async () => {
    const world = await withAbsentee({ catchUpBytesPerSecond: 1 });
    const tookMs = await joinMs(world, 0);
    assert.ok(tookMs < 200, `${tookMs} ms`);
    world.checkReleased();
  });

  it('is all it takes as soon as no more come in', async () => {
    const world = await withAbsentee({ catchUpBytesPerSecond: 1 });
    world.boot('b');
    for (let round = 0; round < 300; round++) {
      if (round % 10 === 0) world.machine('a').write(1);
      await world.advance(1);
    }
    assert.equal(listed(world), 1, 'it was held back');
    const endedMs = world.clock.monotonicMs();
    await world.untilWhole();
    assert.ok(world.clock.monotonicMs() - endedMs < 500, `${world.clock.monotonicMs() - endedMs} ms`);
    world.checkReleased();
  });

  it('is never less than two records for each that comes in, so that it gets there under any load', async () => {
    const world = await withAbsentee({ catchUpBytesPerSecond: 1 });
    const tookMs = await joinMs(world, 10);
    // As many as it lacked have come in by then, at the most.
    assert.ok(tookMs < MISSED / 10 + 200, `${tookMs} ms`);
    world.checkReleased();
  });

  it('holds back the copy of a state, too', async () => {
    const world = new World(['a', 'b'], { limits: { catchUpBytesPerSecond: 10_000, copyChunkBytesMax: 200 } });
    world.boot('a');
    await world.until('a works', () => world.primary !== undefined);
    await world.write(200);
    await world.advance(300, 10);
    world.boot('b');
    const phase = (): string | undefined => world.machine('a').member.status().followers[0]?.phase;
    await world.until('the copy', () => phase() === 'copying');
    for (let round = 0; round < 300; round++) {
      if (round % 20 === 0) world.machine('a').write(1);
      await world.advance(1);
    }
    // 100 entries of 256 bytes each and more.
    assert.equal(phase(), 'copying');
    await world.untilWhole();
    world.checkReleased();
  });

  it('is not for a listed member that comes back: what is acknowledged waits for it', async () => {
    const world = new World(['a', 'b'], { limits: { recentBytesMax: 1_000, catchUpBytesPerSecond: 1 } });
    world.bootAll();
    await world.untilWhole();
    world.pause('b');
    for (let round = 0; round < 30; round++) {
      world.machine('a').write(50);
      await world.advance(5);
    }
    world.network.reset('a', 'b');
    world.resume('b');
    const { member } = world.machine('a');
    const beganMs = world.clock.monotonicMs();
    while (member.status().lastTxId - member.status().stableTxId > 10) {
      assert.ok(world.clock.monotonicMs() - beganMs < 100, `${member.status().stableTxId} are stable`);
      world.machine('a').write(1);
      await world.advance(5);
    }
    await world.untilWhole();
    assert.ok((world.marks.get('fed-from-journal') ?? 0) > 0);
    assert.equal(world.marks.get('solo'), undefined, 'it was listed all the time');
    world.checkReleased();
  });
});

describe('a catch-up pace', () => {
  it('makes good what timers cost, but not a long rest', () => {
    const clock = new VirtualClock();
    const journal = { lastTxId: 1 };
    const pace = new CatchUpPace({ clock, journal, bytesPerSecond: 1_000_000 });
    const send = (): number => {
      journal.lastTxId++;
      return pace.sent(1_000, 20_000);
    };
    assert.equal(send(), 10, 'a first piece owes half of its time');
    clock.advance(10);
    assert.equal(send(), 20);
    clock.advance(25);
    assert.equal(send(), 15, 'five milliseconds late');
    clock.advance(90);
    assert.equal(send(), 10, 'ten are made good, not seventy-five');
  });

  it('adds up pauses that are too short for a timer', () => {
    const clock = new VirtualClock();
    const journal = { lastTxId: 1 };
    const pace = new CatchUpPace({ clock, journal, bytesPerSecond: 1_000_000 });
    const pauses = Array.from({ length: 27 }, () => {
      journal.lastTxId++;
      return Math.round(pace.sent(10, 410) * 100) / 100;
    });
    assert.deepEqual(pauses, [...Array.from({ length: 26 }, () => 0), 1.07]);
  });
});
