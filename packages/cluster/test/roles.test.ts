import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameType } from '@aep/cluster/internal';
import { Stranger } from './stranger.js';
import { World } from './world.js';

async function pair(names: readonly string[] = ['a', 'b']): Promise<World> {
  const world = new World(names);
  world.bootAll();
  await world.untilWhole();
  await world.write(10);
  return world;
}

function causesOfDown(world: World, at: string): string[] {
  return world.machine(at).life!.events.flatMap((event) => (event.type === 'MemberDown' ? [event.cause.code] : []));
}

describe('an old primary whose partner took over (H2, H5)', () => {
  it('releases nothing while it is paused or afterwards, and its engine ends with AEP_CLUSTER_STEPPED_DOWN', async () => {
    const world = await pair();
    const engine = world.machine('a').life!.engines.current!;
    world.network.block('a', 'b');
    world.machine('a').write(5);
    await world.advance(5);
    world.pause('a');
    await world.until('b works', () => world.works('b'));
    world.machine('b').write(5);
    world.network.unblock('a', 'b');
    world.resume('a');
    await world.until('a follows', () => world.machine('a').role === 'backup');
    assert.equal(engine.failure?.code, 'AEP_CLUSTER_STEPPED_DOWN');
    await world.untilWhole();
    assert.equal(world.released.values.size, 15);
    world.checkReleased();
  });

  it('that cannot reach the arbiter releases nothing either, however long it waits', async () => {
    const world = await pair();
    world.machine('a').arbiter.isCut = true;
    world.cut('a', 'b');
    world.machine('a').write(5);
    await world.until('b works', () => world.works('b'));
    await world.advance(20_000, 20);
    assert.equal(world.released.values.size, 10);
    world.machine('a').arbiter.isCut = false;
    world.heal('a', 'b');
    await world.untilWhole();
    world.checkReleased();
  });
});

describe('changes of the register (H3)', () => {
  it('a restarted primary asks for a new epoch before it acts', async () => {
    const world = new World(['a']);
    world.boot('a');
    await world.until('a works', () => world.primary !== undefined);
    const { epoch } = world.register.record!;
    world.kill('a');
    world.boot('a');
    await world.until('a works again', () => world.primary !== undefined);
    assert.equal(world.register.record!.epoch, epoch + 1);
  });

  it('without the arbiter a pair goes on, and nobody is left out or takes over (H1)', async () => {
    const world = await pair();
    world.register.isDown = true;
    await world.write(10);
    world.kill('b');
    world.machine('a').write(5);
    await world.advance(10_000, 20);
    assert.equal(world.released.values.size, 20);
    world.register.isDown = false;
    await world.until('a alone', () => world.released.values.size === 25);
  });

  it('a pairing whose answer is lost is fenced before the primary goes on without the member', async () => {
    const world = new World(['a', 'b']);
    world.boot('a');
    await world.until('a works', () => world.primary !== undefined);
    await world.write(5);
    // The change that lists b is under way for longer than its primary waits for an answer.
    world.machine('a').arbiter.requestMs = () => 3_000;
    world.boot('b');
    await world.until('b follows', () => world.machine('a').member.status().followers[0]?.phase === 'streaming');
    await world.advance(100);
    world.kill('b');
    world.machine('a').write(5);
    world.machine('a').arbiter.requestMs = () => 0;
    await world.until('released', () => world.released.values.size === 10);
    // The late change has come by now: it must not have listed a member that lacks the last five.
    await world.advance(5_000, 20);
    assert.deepEqual(
      world.register.record!.members.map(({ name }) => name),
      ['a'],
    );
  });

  it('the member with the highest priority takes over, and displaces nobody when it comes back (H8)', async () => {
    const world = new World(['a', 'b', 'c']);
    world.boot('a', { priority: 5 });
    world.boot('b');
    world.boot('c', { priority: 3 });
    await world.untilWhole();
    assert.equal(world.primary?.name, 'a');
    await world.advance(1_500, 10);
    world.kill('a');
    await world.until('c works', () => world.primary !== undefined);
    assert.equal(world.primary?.name, 'c');
    world.boot('a', { priority: 5 });
    await world.untilWhole();
    assert.equal(world.primary?.name, 'c');
  });
});

describe('what members say when a link ends', () => {
  it('one that stops in order: the other goes on at once, as primary or alone', async () => {
    const world = await pair();
    const beganMs = world.clock.monotonicMs();
    world.machine('a').member.stop();
    await world.until('b works', () => world.works('b'));
    assert.ok(world.clock.monotonicMs() - beganMs < 50, world.tail());
    assert.ok(world.lines.some((line) => line.includes('AEP_CLUSTER_STOPPED')));
    assert.equal(world.machine('a').life!.stopped.cause, undefined);
    world.boot('a');
    await world.untilWhole();
    world.machine('a').member.stop();
    world.machine('b').write(5);
    const stoppedMs = world.clock.monotonicMs();
    await world.until('released', () => world.released.values.size === 15);
    assert.ok(world.clock.monotonicMs() - stoppedMs < 50, world.tail());
  });

  it('one that takes over says so to the primary that it could not hear', async () => {
    const world = await pair();
    world.network.block('a', 'b');
    await world.until('b works', () => world.works('b') || world.register.record!.members.length === 1);
    world.network.unblock('a', 'b');
    await world.untilWhole();
    const said = ['AEP_LINK_REFUSED', 'AEP_LINK_SILENT', 'AEP_NET_RESET'];
    assert.ok(
      causesOfDown(world, 'a').every((code) => said.includes(code)),
      causesOfDown(world, 'a').join(),
    );
    world.checkReleased();
  });

  it('a newer link of a member replaces the older one', async () => {
    const world = new World(['a']);
    world.boot('a');
    await world.until('a works', () => world.primary !== undefined);
    const links = [];
    for (let count = 0; count < 2; count++) {
      const stranger = new Stranger(world, 'a');
      stranger.hello();
      await world.until('a welcome', () => stranger.types.includes(FrameType.welcome));
      stranger.proof();
      links.push(stranger);
      await world.advance(5);
    }
    assert.equal(await links[0]!.refusal(), 'AEP_LINK_REPLACED');
    assert.equal(links[1]!.isClosed, false);
  });

  it('one that the register names ends its link before it asks for an epoch of its own: it acknowledges nothing more', async () => {
    const world = await pair();
    world.machine('a').arbiter.watchMs = () => 500; // a hears of it late
    const before = world.register.record!;
    const b = before.members.find(({ name }) => name === 'b')!;
    world.register.swap(before.epoch, { ...before, epoch: before.epoch + 1, primary: b });
    await world.until('a hears of it', () => causesOfDown(world, 'a').length > 0);
    const down = world.machine('a').life!.events.find((event) => event.type === 'MemberDown');
    assert.ok(down?.type === 'MemberDown' && down.cause.code === 'AEP_LINK_REFUSED');
    assert.equal(down.cause.facts['peerCode'], 'AEP_CLUSTER_TAKING_OVER');
    const released = world.released.values.size;
    world.machine('a').write(3);
    await world.advance(100);
    assert.equal(world.released.values.size, released);
    await world.until('b works', () => world.works('b'));
    await world.untilWhole();
    assert.ok(world.register.record!.epoch >= before.epoch + 2);
    world.checkReleased();
  });
});
