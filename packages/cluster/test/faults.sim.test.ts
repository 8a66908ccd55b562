import assert from 'node:assert/strict';
import process from 'node:process';
import { it } from 'node:test';
import { type MarkName, MARKS } from '@aep/cluster';
import { SeededRandom } from '@aep/kernel';
import { type Machine, tablesOf, World } from './world.js';

/*
 * Random faults over two or three members: processes killed and paused, links cut one way or both, slow disks, an arbiter that
 * loses requests or answers. Whatever was released must be in every journal with the same content, and when the faults end,
 * the group must become whole again.
 */

const FIRST_SEED = Number(process.env['AEP_SIM_SEED'] ?? 1);
const SEEDS = process.env['AEP_SIM_SEED'] === undefined ? Number(process.env['AEP_SIM_SEEDS'] ?? 40) : 1;

it(`nothing released is lost or doubled, and the group becomes whole again (AEP_SIM_SEED=${FIRST_SEED}, ${SEEDS} seeds)`, async () => {
  let released = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) released += await runSeed(seed);
  const never = MARKS.filter((mark) => !marks.has(mark));
  if (SEEDS > 1_000) process.stdout.write(`${JSON.stringify(Object.fromEntries(marks))}\nnever: ${never.join(', ')}\n`);
  if (SEEDS > 10) assert.ok(released > SEEDS * 50, `only ${released} records were released`);
});

const marks = new Map<MarkName, number>();

async function runSeed(seed: number): Promise<number> {
  const random = new SeededRandom(seed);
  const names = ['a', 'b', 'c'].slice(0, 2 + random.below(2));
  const world = new World(names, { limits: { recentBytesMax: 1 + random.below(20_000), windowBytes: 2_000 } }, seed);
  try {
    if (random.below(2) === 0) world.released.keptRecords = random.below(60);
    world.bootAll();
    const rates = {
      kill: random.below(4),
      pause: random.below(4),
      cut: random.below(5),
      disk: random.below(3),
      arbiter: random.below(4),
      loss: random.below(3),
    };
    for (let step = 0; step < 60; step++) {
      for (const machine of world.machines) machine.write(random.below(8));
      disturb(world, random, rates);
      await world.advance(random.below(4) === 0 ? random.below(600) : random.below(20), 2);
    }
    calm(world);
    await world.until('a whole group', () => world.isWhole(), 60_000);
    for (let round = 0; round < 3; round++) await world.write(5);
    await world.until('a whole group after writes', () => world.isWhole(), 60_000);
    world.checkReleased();
    await world.advance(2_500, 20);
    const [first, ...others] = world.machines.map((machine) => tablesOf(machine));
    for (const other of others) assert.deepEqual(other, first);
    for (const [mark, count] of world.marks) marks.set(mark, (marks.get(mark) ?? 0) + count);
    return world.released.values.size;
  } catch (error) {
    throw new Error(
      `AEP_SIM_SEED=${seed}: ${String(error)}\n${world.tail(Number(process.env['AEP_SIM_LINES'] ?? 120))}`,
      { cause: error },
    );
  }
}

function disturb(
  world: World,
  random: SeededRandom,
  rates: Record<'kill' | 'pause' | 'cut' | 'disk' | 'arbiter' | 'loss', number>,
): void {
  const pick = (): Machine => world.machines[random.below(world.machines.length)]!;
  const hits = (rate: number): boolean => random.below(20) < rate;
  if (hits(rates.kill)) {
    const machine = pick();
    if (machine.life === undefined) world.boot(machine.name);
    else world.kill(machine.name, 'chance');
  }
  // One disk at a time: with all others whole, nothing may be lost (H0).
  if (hits(rates.loss) && world.machines.every(({ life }) => life !== undefined) && world.isWhole()) {
    const { name } = pick();
    world.kill(name);
    world.loseDisk(name);
    world.boot(name);
  }
  if (hits(1)) world.primary?.member.switchTo(pick().name, () => undefined);
  if (hits(1)) stop(pick());
  if (hits(3)) {
    const dead = world.machines.find(({ life }) => life === undefined || life.stopped.is);
    if (dead !== undefined) world.boot(dead.name);
  }
  if (hits(rates.pause)) {
    const machine = pick();
    if (machine.life !== undefined) world.pause(machine.name);
  }
  if (hits(4))
    for (const machine of world.machines)
      if (machine.life !== undefined && random.below(2) === 0) world.resume(machine.name);
  if (hits(rates.cut)) {
    const from = pick();
    const to = pick();
    if (from !== to) {
      world.network.block(from.name, to.name);
      if (random.below(2) === 0) world.network.block(to.name, from.name);
      else if (random.below(3) === 0) world.network.reset(from.name, to.name);
    }
  }
  if (hits(5)) world.healAll();
  if (hits(rates.disk)) {
    const slow = random.below(3) === 0 ? 0 : random.below(40);
    pick().faults.commitMs = () => random.below(slow + 1);
  }
  if (hits(rates.arbiter)) {
    const { arbiter } = pick();
    const kind = random.below(5);
    arbiter.isCut = kind === 0;
    arbiter.losesAnswer = () => kind === 1 && random.below(2) === 0;
    arbiter.losesRequest = () => kind === 2 && random.below(2) === 0;
    arbiter.requestMs = () => (kind === 3 ? random.below(1_500) : random.below(3));
    arbiter.answerMs = () => (kind === 4 ? random.below(1_500) : random.below(3));
  }
}

function stop({ life }: Machine): void {
  life?.member.stop();
  if (life !== undefined) life.stopped.isAsked = true;
}

function calm(world: World): void {
  world.healAll();
  for (const machine of world.machines) {
    machine.faults.commitMs = () => 0;
    const { arbiter } = machine;
    arbiter.isCut = false;
    arbiter.losesAnswer = arbiter.losesRequest = () => false;
    arbiter.requestMs = arbiter.answerMs = () => 0;
    if (machine.life === undefined || machine.life.stopped.is || machine.life.stopped.isAsked) {
      if (machine.life !== undefined) world.kill(machine.name);
      world.boot(machine.name);
    } else world.resume(machine.name);
  }
}
