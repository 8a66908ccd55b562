import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeBus } from '@aep/bus';
import { defineApp } from '@aep/engine';
import { PairWorld, type WorldObserver } from '@aep/testkit/pairs';

const bus = describeBus('world', ['inputs'], 'broker');

function worldOf(seed: number, observer: WorldObserver = {}): PairWorld {
  const world = new PairWorld({
    seed,
    names: ['a', 'b'],
    bus,
    observer,
    engine: (provider) => ({
      name: 'app',
      app: defineApp({ name: 'app' }),
      buses: [{ description: bus, provider, channels: [{ name: 'inputs', join: true }] }],
    }),
    limits: { heartbeatMs: 20, silenceMs: 60, takeOverAfterMs: 30, soloAfterMs: 20 },
  });
  for (const machine of world.machines) world.boot(machine);
  return world;
}

test('a group loses its primary, goes on with the other member, and is whole again when it comes back', async () => {
  const world = worldOf(1);
  assert.ok(await world.runUntil(5_000, () => world.isWhole), 'the two members find each other');
  const first = world.primary!;
  world.kill(first);
  assert.ok(await world.runUntil(10_000, () => world.primary !== undefined), 'the other takes over');
  assert.notEqual(world.primary, first);
  world.boot(first);
  assert.ok(await world.runUntil(15_000, () => world.isWhole), 'the first follows');
});

test('a member whose disk was replaced is given the state again', async () => {
  const world = worldOf(2);
  await world.runUntil(5_000, () => world.isWhole);
  const backup = world.machines.find((machine) => machine !== world.primary)!;
  const { memberId } = backup.disk.identity!;
  world.loseDisk(backup);
  world.boot(backup);
  assert.ok(await world.runUntil(10_000, () => world.isWhole));
  assert.notEqual(backup.disk.identity!.memberId, memberId, 'with a store of its own');
});

test('a paused process does nothing, and steps down when it goes on after another took over (H4)', async () => {
  const ended: string[] = [];
  const world = worldOf(3, { onJournalFailure: (life) => void ended.push(life.machine.name) });
  await world.runUntil(5_000, () => world.isWhole);
  const first = world.primary!;
  first.life!.clock.pause();
  assert.ok(await world.runUntil(10_000, () => world.primary !== undefined), 'the other takes over');
  assert.deepEqual(ended, []);
  first.life!.clock.resume();
  assert.ok(await world.runUntil(15_000, () => world.isWhole));
  assert.deepEqual(ended, [first.name]);
});

test('the same seed gives the same run', async () => {
  const runs = await Promise.all([worldOf(4), worldOf(4)].map((world) => traced(world)));
  assert.deepEqual(runs[0], runs[1]);
});

async function traced(world: PairWorld): Promise<readonly number[]> {
  await world.runUntil(300);
  world.kill(world.machines[0]!);
  await world.runUntil(600);
  return [world.events, world.clock.pending, world.register.record!.epoch];
}
