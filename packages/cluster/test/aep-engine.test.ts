import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AepEngines, vote } from './aep-engines.js';
import { type Machine, World } from './world.js';

/** A pair that runs the shipped engine. */
class Election {
  readonly world = new World(['a', 'b']);
  readonly engines = new Map<string, AepEngines>();
  /** Votes whose injection was answered: they are stable. */
  readonly counted = new Set<number>();
  private next = 0;

  constructor() {
    for (const { name } of this.world.machines) this.boot(name);
  }

  boot(name: string): void {
    this.world.makeEngines = (parts) => {
      const engines = new AepEngines(parts);
      this.engines.set(name, engines);
      return engines;
    };
    this.world.boot(name);
  }

  get primary(): AepEngines | undefined {
    return this.world.machines.map((machine) => this.runningAt(machine)).find((engines) => engines !== undefined);
  }

  runningAt(machine: Machine): AepEngines | undefined {
    const engines = this.engines.get(machine.name);
    return machine.role === 'primary' && engines?.hasStarted === true ? engines : undefined;
  }

  async untilOpen(name?: string): Promise<void> {
    const isOpen = (): boolean =>
      name === undefined ? this.primary !== undefined : this.runningAt(this.world.machine(name)) !== undefined;
    await this.world.until('an open engine', isOpen);
  }

  cast(count: number): void {
    for (let index = 0; index < count; index++) {
      const number = this.next++;
      this.primary!.current!.inject(vote(`candidate ${number % 3}`, number)).then(
        () => this.counted.add(number),
        () => undefined, // the process died, or another one is the primary
      );
    }
  }

  votes(): number {
    return this.primary!.current!.read((tally) => tally.votes);
  }
}

it('the shipped engine goes on at the backup with everything that it has answered for (H2, H20)', async () => {
  const election = new Election();
  const { world } = election;
  await election.untilOpen('a');
  await world.until('a pair', () => world.machine('b').role === 'backup');
  election.cast(40);
  await world.until('answers', () => election.counted.size === 40);
  // Some are on their way when the process dies.
  election.cast(30);
  await world.advance(0.3, 0.1);
  world.kill('a');
  await election.untilOpen('b');
  const votes = election.votes();
  assert.ok(votes >= election.counted.size && votes <= 70, `${votes} votes, ${election.counted.size} answered`);
  election.boot('a');
  await world.until('a pair again', () => world.machine('a').role === 'backup');
  election.cast(10);
  await world.until('more answers', () => election.votes() === votes + 10);
});

it('an engine whose partner took over meanwhile answers for nothing more, and the member follows (H2, H3)', async () => {
  const election = new Election();
  const { world } = election;
  await election.untilOpen('a');
  await world.until('a pair', () => world.machine('b').role === 'backup');
  election.cast(10);
  await world.until('answers', () => election.counted.size === 10);
  world.pause('a');
  election.cast(10);
  await election.untilOpen('b');
  assert.equal(
    election.runningAt(world.machine('b'))!.current!.read((tally) => tally.votes),
    10,
  );
  world.resume('a');
  await world.until('a follows', () => world.machine('a').role === 'backup');
  assert.equal(election.counted.size, 10);
  election.cast(5);
  await world.until('answers of b', () => election.counted.size === 15);
});

it('records carry the epoch of the group when members come and go (H4)', async () => {
  const election = new Election();
  const { world } = election;
  await election.untilOpen('a');
  await world.until('a pair', () => world.machine('b').role === 'backup');
  const { epoch } = world.machine('a').member.status();
  election.cast(1);
  await world.until('an answer', () => election.counted.size === 1);
  world.kill('b');
  await world.until('a alone', () => world.machine('a').member.status().epoch > epoch);
  election.cast(1);
  await world.until('another answer', () => election.counted.size === 2);
});
