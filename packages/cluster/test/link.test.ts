import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameType } from '@aep/cluster/internal';
import { type AepError, SeededRandom } from '@aep/kernel';
import { Stranger } from './stranger.js';
import { type LifeOptions, World } from './world.js';

async function group(names: readonly string[], options: LifeOptions = {}): Promise<World> {
  const world = new World(names, options);
  world.bootAll();
  await world.untilWhole();
  await world.write(10);
  return world;
}

/** What goes on however strangers behave. */
async function goesOn(world: World): Promise<void> {
  await world.write(3);
  await world.until('the group is whole', () => world.isWhole());
  world.checkReleased();
}

describe('whoever connects to a member (H13)', () => {
  for (const [what, changes, code] of [
    ['of another group', { group: 'other' }, 'AEP_LINK_OTHER_GROUP'],
    ['under the name of the member itself', { member: 'a' }, 'AEP_LINK_SAME_NAME'],
    ['two minor versions ahead (H14)', { version: '0.3.0' }, 'AEP_LINK_VERSION'],
    ['of another major version (H14)', { version: '1.1.0' }, 'AEP_LINK_VERSION'],
    ['with another format of records (H14)', { recordVersion: 9 }, 'AEP_LINK_VERSION'],
    ['with records of another history', { lastTxId: 7, incarnation: 5, storeId: 's' }, 'AEP_CLUSTER_OTHER_HISTORY'],
    ['with a journal that ends before it begins', { firstTxId: 9, lastTxId: 3 }, 'AEP_LINK_PROTOCOL'],
    ['with a window that lets nothing through', { windowBytes: 0 }, 'AEP_LINK_PROTOCOL'],
  ] as const) {
    it(`${what} is refused with ${code}, and nothing else happens`, async () => {
      const world = await group(['a', 'b']);
      const stranger = new Stranger(world, 'a');
      stranger.hello(changes);
      if (code === 'AEP_CLUSTER_OTHER_HISTORY') stranger.proof();
      assert.equal(await stranger.refusal(), code);
      await goesOn(world);
    });
  }

  it('with another version of the link is refused with AEP_LINK_VERSION, whatever follows (H14)', async () => {
    const world = await group(['a', 'b']);
    for (const version of [0, 2, 255]) {
      const stranger = new Stranger(world, 'a');
      stranger.helloInVersion(version);
      assert.equal(await stranger.refusal(), 'AEP_LINK_VERSION');
    }
    await goesOn(world);
  });

  it('at a backup is told that it is not the primary', async () => {
    const world = await group(['a', 'b']);
    const stranger = new Stranger(world, 'b');
    stranger.hello();
    assert.equal(await stranger.refusal(), 'AEP_CLUSTER_NOT_PRIMARY');
  });

  it('with garbage, a flipped bit or too large a frame is refused, before anything is allocated for it', async () => {
    const world = await group(['a', 'b']);
    const cases: [Uint8Array, string][] = [
      [Uint8Array.from({ length: 64 }, () => 0xff), 'AEP_LINK_FRAME_TOO_LARGE'],
      [Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0]), 'AEP_LINK_PROTOCOL'],
      [Uint8Array.from([3, 0, 0, 0, 1, 2, 3, 4, 1, 9, 9]), 'AEP_LINK_CHECKSUM'],
      [Uint8Array.from([1, 0x20, 0, 0, 0, 0, 0, 0]), 'AEP_LINK_FRAME_TOO_LARGE'],
    ];
    for (const [bytes, code] of cases) {
      const stranger = new Stranger(world, 'a');
      stranger.raw(bytes);
      assert.equal(await stranger.refusal(), code);
    }
    await goesOn(world);
  });

  it('with random frames in any phase of the link does no harm', async () => {
    const world = await group(['a', 'b']);
    const random = new SeededRandom(7);
    for (let round = 0; round < 150; round++) {
      const stranger = new Stranger(world, random.below(4) === 0 ? 'b' : 'a');
      if (random.below(4) > 0) stranger.hello();
      if (random.below(4) > 0) stranger.proof();
      for (let count = random.below(4); count >= 0; count--) {
        const length = random.below(60);
        stranger.frame(
          random.below(18),
          Uint8Array.from({ length }, () => random.below(256)),
        );
      }
      await world.advance(2);
    }
    await world.advance(3_000, 20);
    await goesOn(world);
  });

  it('that acknowledges what was never sent is refused, and nothing becomes stable by it', async () => {
    const world = await group(['a', 'b']);
    const stranger = new Stranger(world, 'a');
    stranger.hello({ storeId: 's', incarnation: world.register.record!.incarnation });
    await world.until('a welcome', () => stranger.types.includes(FrameType.welcome));
    stranger.proof();
    await world.until('the stream', () => stranger.types.includes(FrameType.follow));
    stranger.acked(world.register.record!.epoch, 1_000_000);
    assert.equal(await stranger.refusal(), 'AEP_LINK_PROTOCOL');
    await goesOn(world);
  });

  it('and says nothing is cut off after a while; so is one too many', async () => {
    const world = await group(['a', 'b'], { limits: { linksMax: 4, handshakeMs: 500 } });
    const silent = [new Stranger(world, 'a'), new Stranger(world, 'a'), new Stranger(world, 'a')];
    await world.advance(10);
    const late = new Stranger(world, 'a');
    assert.equal(await late.refusal(), 'AEP_LINK_TOO_MANY');
    for (const stranger of silent) assert.equal(await stranger.refusal(), 'AEP_LINK_SILENT');
    await goesOn(world);
  });

  it('from a later epoch makes the primary look at the register before it releases anything more (H4)', async () => {
    const world = await group(['a', 'b']);
    world.machine('a').arbiter.isCut = true;
    const stranger = new Stranger(world, 'a');
    stranger.hello({ promisedEpoch: 99 });
    assert.equal(await stranger.refusal(), 'AEP_CLUSTER_STALE_EPOCH');
    const before = world.released.values.size;
    world.machine('a').write(5);
    await world.advance(300);
    assert.equal(world.released.values.size, before);
    // The register is still ours: it goes on.
    world.machine('a').arbiter.isCut = false;
    await world.until('the five', () => world.released.values.size === before + 5);
  });
});

describe('a link with a secret (H13)', () => {
  const secret = 'a secret of enough characters';

  it('connects members that have the same one', async () => {
    await goesOn(await group(['a', 'b'], { secret }));
  });

  it('refuses whoever has another one or none', async () => {
    for (const others of [{ secret: 'another one, and long enough' }, {}]) {
      const world = new World(['a', 'b']);
      world.boot('a', { secret });
      await world.until('a works', () => world.primary !== undefined);
      world.boot('b', others);
      await world.advance(2_000, 5);
      assert.equal(world.machine('b').role, 'joining');
      assert.ok(
        world.lines.some((line) => line.includes('AEP_LINK_AUTH_FAILED')),
        world.tail(),
      );
    }
  });

  it('is needed beyond this machine, unless insecureLink says otherwise', () => {
    const world = new World(['a']);
    const open = { address: '10.0.0.1:7000' } as LifeOptions;
    assert.throws(() => world.boot('a', open), { code: 'AEP_LINK_INSECURE' });
    world.boot('a', { ...open, insecureLink: true });
    world.boot('a', { ...open, secret });
  });
});

it('options that make no sense are refused by name', () => {
  const world = new World(['a']);
  for (const options of [
    { limits: { heartbeatMs: -1 } },
    { limits: { silenceMs: 50 } },
    { limits: { nonsense: 1 } as object },
    { version: 'new' },
    { secret: 'short' },
    { group: 'no spaces' } as object,
  ])
    assert.throws(() => world.boot('a', options), { code: 'AEP_CLUSTER_OPTION_INVALID' });
});

describe('members one minor version apart (H14)', () => {
  for (const [older, newer] of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    it(`replicate when ${newer} is the newer one, and go on when either dies`, async () => {
      const world = new World(['a', 'b']);
      const versions: Record<string, string> = { [older!]: '0.4.7', [newer!]: '0.5.0' };
      for (const name of ['a', 'b']) world.boot(name, { version: versions[name]! });
      await world.untilWhole();
      await world.write(5);
      world.kill('a');
      await world.until('b works', () => world.primary?.name === 'b');
      await world.write(5);
      world.boot('a', { version: versions['a']! });
      await world.untilWhole();
      world.checkReleased();
    });
  }
});

describe('members two minor versions apart (H14)', () => {
  for (const [first, second] of [
    ['0.3.1', '0.5.0'],
    ['0.5.0', '0.3.1'],
  ] as const) {
    it(`do not become a pair, whether ${second} comes to ${first} with nothing or with its journal; ${first} goes on`, async () => {
      const world = new World(['a', 'b']);
      world.boot('a', { version: first });
      await world.until('a works', () => world.works('a'));
      world.boot('b', { version: second });
      await world.write(5);
      world.clock.advance(5_000);
      assert.deepEqual(
        world.register.record?.members.map(({ name }) => name),
        ['a'],
      );
      // The right step between them makes a pair of them; then the other one is taken two steps on at once.
      world.kill('b');
      world.boot('b', { version: '0.4.2' });
      await world.untilWhole();
      world.kill('b');
      world.boot('b', { version: second });
      await world.until('a alone', () => world.register.record!.members.length === 1);
      await world.write(5);
      assert.equal(world.primary?.name, 'a');
      assert.deepEqual(world.released.conflicts, []);
    });
  }
});

describe('bad links between members', () => {
  it('a half-open one is found by its silence: the primary goes on alone, the other comes back (H7)', async () => {
    const world = await group(['a', 'b']);
    world.network.block('b', 'a');
    world.machine('a').write(5);
    await world.until('a alone', () => world.register.record!.members.length === 1);
    await world.until('stable', () => world.machine('a').member.status().stableTxId === 15);
    world.network.unblock('b', 'a');
    await goesOn(world);
  });

  it('a slow disk of a backup does not count as its death (H7)', async () => {
    const world = await group(['a', 'b']);
    const epoch = world.register.record!.epoch;
    world.machine('b').faults.commitMs = () => 4_000;
    world.machine('a').write(5);
    await world.advance(3_900, 10);
    assert.equal(world.machine('a').member.status().stableTxId, 10);
    await world.until('stable', () => world.machine('a').member.status().stableTxId === 15);
    assert.equal(world.register.record!.epoch, epoch);
  });

  it('a promise that takes long to be durable does not end the link (H4, H7)', async () => {
    const world = await group(['a', 'b']);
    world.kill('b');
    world.machine('b').faults.commitMs = () => 3_000;
    world.boot('b');
    await world.advance(2_900, 10); // the store is being opened
    const { events } = world.machine('a').life!;
    const before = events.length;
    await world.until('b is back', () => world.machine('a').member.status().followers[0]?.isListed === true, 30_000);
    const ends = events.slice(before).filter((event) => event.type === 'MemberDown');
    assert.deepEqual(ends, []);
  });

  it('what holds stability back is told, with a name (H21)', async () => {
    const world = await group(['a', 'b'], { limits: { stallAlertMs: 500 } });
    world.machine('b').faults.hangs = true;
    world.machine('a').write(5);
    await world.advance(2_000, 10);
    const stalled = world.machine('a').life!.events.find((event) => event.type === 'ReplicationStalled');
    assert.equal(stalled?.type === 'ReplicationStalled' && stalled.member, 'b');
  });
});

it('a failed disk stops the member with its cause, and the other takes over at once (H22)', async () => {
  const world = await group(['a', 'b']);
  world.machine('a').faults.failsNextSync = true;
  world.machine('a').write(1);
  const { stopped } = world.machine('a').life!;
  await world.until('a has stopped', () => stopped.is);
  assert.equal((stopped.cause as AepError).code, 'AEP_STORE_WRITE_FAILED');
  const failedMs = world.clock.monotonicMs();
  await world.until('b works', () => world.primary?.name === 'b');
  assert.ok(world.clock.monotonicMs() - failedMs < 100, world.tail());
  assert.equal(world.released.values.size, 10);
});
