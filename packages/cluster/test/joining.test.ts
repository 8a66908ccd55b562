import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AepError } from '@aep/kernel';
import { type LifeOptions, storeOf, tablesOf, World } from './world.js';

/** `a` alone, with a state and a journal that begins in the middle. */
async function withHistory(options: LifeOptions = {}): Promise<World> {
  const world = new World(['a', 'b'], options);
  world.released.keptRecords = 20;
  world.boot('a');
  await world.until('a works', () => world.primary !== undefined);
  for (let round = 0; round < 10; round++) {
    await world.write(30);
    await world.advance(200, 10);
  }
  assert.ok(storeOf(world.machine('a')).journal.firstTxId > 100);
  return world;
}

function listed(world: World): number {
  return world.register.record!.members.length;
}

describe('a member that joins (H12)', () => {
  it('gets the state and all of the journal that its primary keeps', async () => {
    const world = await withHistory({ limits: { copyChunkBytesMax: 200, copyWindowChunks: 2 } });
    const { firstTxId } = storeOf(world.machine('a')).journal;
    world.boot('b');
    await world.untilWhole();
    const b = storeOf(world.machine('b'));
    assert.ok(b.journal.firstTxId <= firstTxId + 40 && b.journal.firstTxId > 100, `from ${b.journal.firstTxId}`);
    assert.equal(b.identity.incarnation, storeOf(world.machine('a')).identity.incarnation);
    await world.write(20);
    await world.advance(2_000, 10);
    assert.deepEqual(tablesOf(world.machine('b')), tablesOf(world.machine('a')));
    world.kill('a');
    await world.until('b works', () => world.primary?.name === 'b');
    await world.write(5);
    world.checkReleased();
  });

  it('does not hold up its primary while it copies, and its progress is told', async () => {
    const world = await withHistory({ limits: { copyChunkBytesMax: 100, copyWindowChunks: 1, stallAlertMs: 100 } });
    world.machine('b').faults.applyMs = () => 30;
    world.boot('b');
    await world.until('the copy', () => world.machine('a').member.status().followers[0]?.phase === 'copying');
    const before = world.released.values.size;
    for (let round = 0; round < 20; round++) {
      await world.write(5);
      await world.advance(3);
    }
    assert.equal(world.machine('a').member.status().followers[0]?.phase, 'copying');
    assert.equal(world.released.values.size, before + 100);
    await world.untilWhole();
    const told = world.machine('a').life!.events.filter((event) => event.type === 'CatchUpProgress');
    assert.ok(told.some((event) => event.type === 'CatchUpProgress' && event.phase === 'copy'));
    world.checkReleased();
  });

  it('writes all of a copy that has come together: its disk may be the one that the primary waits for', async () => {
    const world = await withHistory({ limits: { copyChunkBytesMax: 60, copyWindowChunks: 16 } });
    world.machine('b').faults.applyMs = () => 10;
    const taken: string[] = [];
    world.tap = (line) => void (line.includes(' copyTaken ') && taken.push(line));
    world.boot('b');
    await world.until('its end', () => listed(world) === 2);
    const copied = world.machine('a').member.status().followers[0]!.copiedEntries;
    // The first chunk, and all that has come meanwhile: at least a word of both, and the one that the store is there.
    assert.ok(copied >= 50 && taken.length > 2 && taken.length < 6, `${copied} entries\n${taken.join('\n')}`);
    world.checkReleased();
  });

  it('is not waited for as long as it lacks more than a moment of work, and is when it does not come nearer', async () => {
    const world = await withHistory();
    world.boot('b');
    await world.untilWhole();
    world.kill('b');
    await world.until('a alone', () => listed(world) === 1);
    world.released.keptRecords = 10_000;
    await world.write(600);
    world.machine('b').faults.commitMs = () => 400;
    world.boot('b');
    const lackOf = (): number => world.machine('a').member.status().followers[0]?.lag ?? Infinity;
    await world.until('b is near', () => lackOf() <= 600);
    await world.advance(5, 1);
    const beganMs = world.clock.monotonicMs();
    await world.write(10);
    assert.ok(lackOf() > 200, `b lacks ${lackOf()}`);
    assert.ok(world.clock.monotonicMs() - beganMs < 100, 'what is written meanwhile waits for nobody');
    for (let round = 0; listed(world) === 1 && round < 400; round++) {
      await world.write(40);
      await world.advance(5, 1);
    }
    assert.equal(listed(world), 2, 'listed although there was always work under way');
    world.checkReleased();
  });

  it('begins anew when its copy is interrupted, by its own death or by that of the link', async () => {
    const world = await withHistory({ limits: { copyChunkBytesMax: 100, copyWindowChunks: 1 } });
    world.machine('b').faults.applyMs = () => 20;
    for (const interrupt of ['death', 'link'] as const) {
      world.boot('b');
      await world.advance(30);
      await world.until('the copy', () => (world.machine('a').member.status().followers[0]?.copiedEntries ?? 0) > 5);
      if (interrupt === 'death') world.kill('b', 'chance');
      else world.network.reset('a', 'b');
    }
    await world.untilWhole();
    assert.ok((world.marks.get('copy-interrupted') ?? 0) > 0);
    world.checkReleased();
  });

  it('can neither be listed nor take over before it has everything (H12)', async () => {
    const world = await withHistory({ limits: { copyChunkBytesMax: 100, copyWindowChunks: 1 } });
    world.machine('b').faults.applyMs = () => 20;
    world.boot('b');
    await world.until('the copy', () => world.machine('a').member.status().followers[0]?.phase === 'copying');
    assert.equal(listed(world), 1);
    world.kill('a');
    await world.advance(5_000, 20);
    assert.equal(world.machine('b').role, 'joining');
    assert.equal(world.register.record!.primary.name, 'a');
    world.boot('a');
    await world.untilWhole();
    world.checkReleased();
  });

  it('catches up from the journal when that reaches back far enough', async () => {
    const world = new World(['a', 'b'], { limits: { recentBytesMax: 1_000 } });
    world.bootAll();
    await world.untilWhole();
    world.kill('b');
    await world.until('a alone', () => listed(world) === 1);
    for (let round = 0; round < 20; round++) await world.write(100);
    world.boot('b');
    await world.untilWhole();
    assert.ok((world.marks.get('fed-from-journal') ?? 0) > 0);
    assert.equal(world.marks.get('state-copy'), 1);
    world.checkReleased();
  });

  it('is the one that it was only with the store that it had: a lost disk is a new member (H3)', async () => {
    const world = new World(['a', 'b']);
    world.bootAll();
    await world.untilWhole();
    await world.write(10);
    const { storeId } = world.machine('b').member.status();
    world.kill('b');
    world.loseDisk('b');
    world.boot('b');
    await world.untilWhole();
    assert.notEqual(world.machine('b').member.status().storeId, storeId);
    assert.ok((world.marks.get('copy-of-a-member') ?? 0) > 0);
    world.checkReleased();
  });
});

describe('memory of a primary', () => {
  it('stays bounded while a backup is stopped, slow or absent', async () => {
    const limits = { recentBytesMax: 20_000, windowBytes: 5_000 };
    const world = new World(['a', 'b'], { limits });
    world.bootAll();
    await world.untilWhole();
    world.pause('b');
    for (let round = 0; round < 60; round++) {
      world.machine('a').write(100);
      await world.advance(50, 10);
      // What is not durable here yet comes on top.
      assert.ok(world.machine('a').member.status().recentBytes <= limits.recentBytesMax + 100 * 200);
    }
    assert.ok(world.released.values.size >= 4_000, String(world.released.values.size));
    world.resume('b');
    await world.untilWhole();
    world.checkReleased();
  });
});

describe('with acks: none (H10)', () => {
  it('a backup is paired although its primary is never idle', async () => {
    const world = new World(['a', 'b'], { acks: 'none' });
    world.machine('b').faults.commitMs = () => 5;
    world.boot('a');
    await world.until('a works', () => world.primary !== undefined);
    world.boot('b');
    for (let round = 0; round < 300 && listed(world) < 2; round++) {
      world.machine('a').write(3);
      await world.advance(1);
    }
    assert.equal(listed(world), 2);
  });

  for (const [onDivergence, ends] of [
    ['stop', 'stopped'],
    ['copy', 'backup'],
  ] as const) {
    it(`a failover may lose what the backup had not received; with onDivergence "${onDivergence}" the old primary ends as ${ends}`, async () => {
      const world = new World(['a', 'b'], { acks: 'none', onDivergence });
      world.bootAll();
      await world.untilWhole();
      await world.write(10);
      world.network.block('a', 'b');
      world.machine('a').write(10);
      await world.advance(250, 5); // stable here, and in the tables
      world.kill('a');
      world.network.unblock('a', 'b');
      await world.until('b works', () => world.primary?.name === 'b');
      world.boot('a');
      const { stopped } = world.machine('a').life!;
      await world.until('the end', () => world.machine('a').role === ends);
      if (onDivergence === 'stop') assert.equal((stopped.cause as AepError).code, 'AEP_CLUSTER_DIVERGED');
      else await world.untilWhole();
    });
  }
});
