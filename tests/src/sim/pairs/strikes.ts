import type { MarkName } from '@aep/cluster';
import type { Machine, MachineLife, PairWorld } from '@aep/testkit/pairs';
import type { Action } from './plan.js';

/** Carries out the faults of a plan, and takes them back when their time is over or the liveness phase begins. */
export class Strikes {
  private isOver = false;
  private isEnded = false;
  /** Faults wait for a member to get to a mark. */
  private readonly ambushes: Action[] = [];

  constructor(
    private readonly world: PairWorld,
    private readonly disk: { readonly commitMs: number; readonly applyMs: number },
    private readonly note: (line: () => string) => void,
  ) {
    for (const machine of world.machines) this.setDisk(machine, disk.commitMs, disk.applyMs);
  }

  plan(action: Action): void {
    this.world.clock.schedule(action.atMs, () => {
      if (!this.isOver) this.strike(action);
    });
  }

  onMark(life: MachineLife, mark: MarkName): void {
    const index = this.ambushes.findIndex((action) => action.mark === mark);
    if (index < 0 || this.isOver) return;
    const [action] = this.ambushes.splice(index, 1);
    const fault = AMBUSHES[action!.chance % AMBUSHES.length]!;
    // Soon: between two events of the process, often before what it has begun has ended.
    this.world.clock.schedule((action!.chance % 7) * 0.1, () => {
      if (!this.isOver) this.strike({ ...action!, fault, machine: life.machine.index });
    });
  }

  /** A process that has ended by itself comes back, as under a supervisor. */
  onEnd(life: MachineLife): void {
    this.bootLater(life.machine, 1 + (life.number % 5) * 8);
  }

  /** Everything is well from here on. */
  heal(): void {
    this.isOver = true;
    const { world } = this;
    world.register.isDown = false;
    for (const machine of world.machines) {
      this.freeNetwork(machine);
      this.setDisk(machine, this.disk.commitMs / 4, this.disk.applyMs / 4);
      machine.diskFaults.failsNextSync = machine.diskFaults.failsNextApply = false;
      this.freeArbiter(machine);
      world.broker.reconnectMachine(machine.name);
      if (machine.diskFaults.hangs) world.kill(machine);
      machine.diskFaults.hangs = false;
      machine.diskFaults.freeBytes = Infinity;
      machine.life?.clock.resume();
      world.boot(machine);
    }
  }

  /** From here on nobody is started any more. */
  end(): void {
    this.isEnded = true;
  }

  private strike(action: Action): void {
    const { world } = this;
    const machine = world.machines[action.machine]!;
    const other = world.machines[action.other]!;
    const { durationMs, chance } = action;
    this.note(() => `fault ${action.fault} at ${machine.name}, ${other.name}, ${durationMs.toFixed(1)} ms`);
    const later = (undo: () => void): void => {
      world.clock.schedule(durationMs, () => {
        if (!this.isOver) undo();
      });
    };
    switch (action.fault) {
      case 'kill':
        return this.killFor(machine, 'chance', durationMs);
      case 'power':
        if (chance % 2 === 0) return this.killFor(machine, 'lost', durationMs);
        for (const one of world.machines) this.killFor(one, 'lost', durationMs * (1 + one.index));
        return;
      case 'stop':
        if (machine.isRunning) machine.life!.clock.run(() => machine.life!.member.stop());
        return;
      case 'switch':
        return this.switchFrom(world.primary, action);
      case 'diskLoss':
        if (this.isSpare(machine)) world.loseDisk(machine);
        return this.bootLater(machine, durationMs);
      case 'failingSync':
        machine.diskFaults.failsNextSync = true;
        return;
      case 'failingApply':
        machine.diskFaults.failsNextApply = true;
        return;
      case 'slowDisk':
        this.setDisk(machine, chance % 60, chance % 40);
        return later(() => this.setDisk(machine, this.disk.commitMs, this.disk.applyMs));
      case 'hangingDisk':
        machine.diskFaults.hangs = true;
        return later(() => {
          machine.diskFaults.hangs = false;
          this.killFor(machine, 'chance', 1);
        });
      case 'cut':
      case 'oneWayCut':
        world.network.block(machine.name, other.name);
        if (action.fault === 'cut') world.network.block(other.name, machine.name);
        return later(() => {
          world.network.unblock(machine.name, other.name);
          world.network.unblock(other.name, machine.name);
        });
      case 'reset':
        return world.network.reset(machine.name, other.name);
      case 'pause':
        machine.life?.clock.pause();
        return later(() => machine.life?.clock.resume());
      case 'arbiterDown':
        world.register.isDown = true;
        return later(() => (world.register.isDown = false));
      case 'arbiterCut':
      case 'arbiterLossy':
      case 'arbiterSlow':
        this.troubleArbiter(machine, action);
        return later(() => this.freeArbiter(machine));
      case 'wrongAddress':
        return this.misleadTo(machine);
      case 'brokerReset':
        return world.broker.disconnectMachine(machine.name);
      case 'brokerCut':
        world.broker.cutOffMachine(machine.name);
        return later(() => world.broker.reconnectMachine(machine.name));
      case 'wallJump':
        return machine.life?.clock.jumpWall((chance % 200_000) - 100_000);
      case 'fullDisk':
        machine.diskFaults.freeBytes = chance % 500;
        return later(() => (machine.diskFaults.freeBytes = Infinity));
      case 'ambush':
        this.ambushes.push(action);
        return;
    }
  }

  private switchFrom(primary: Machine | undefined, { machine, other }: Action): void {
    if (primary === undefined) return;
    const { name } = this.world.machines[machine === primary.index ? other : machine]!;
    const { clock, member } = primary.life!;
    clock.run(() => member.switchTo(name, () => undefined));
  }

  /** Until the primary announces itself again. */
  private misleadTo(machine: Machine): void {
    const { presences, record } = this.world.register;
    const [primary, wrong] = [presences.get(record?.primary.name ?? ''), presences.get(machine.name)];
    if (primary === undefined || wrong === undefined) return;
    const presence = { ...primary.presence, address: wrong.presence.address };
    presences.set(presence.name, { ...primary, presence });
  }

  private killFor(machine: Machine, outcome: 'lost' | 'chance', durationMs: number): void {
    this.world.kill(machine, outcome);
    this.bootLater(machine, durationMs);
  }

  private bootLater(machine: Machine, delayMs: number): void {
    this.world.clock.schedule(delayMs, () => {
      if (!this.isEnded) this.world.boot(machine);
    });
  }

  private setDisk(machine: Machine, commitMs: number, applyMs: number): void {
    const { random } = machine;
    machine.diskFaults.commitMs = () => random.float() * commitMs;
    machine.diskFaults.applyMs = () => random.float() * applyMs;
  }

  private troubleArbiter({ arbiterFaults, random }: Machine, { fault, chance }: Action): void {
    if (fault === 'arbiterCut') arbiterFaults.isCut = true;
    else if (fault === 'arbiterSlow') {
      arbiterFaults.requestMs = () => random.float() * (chance % 150);
      arbiterFaults.answerMs = () => random.float() * (chance % 150);
      arbiterFaults.watchMs = () => random.float() * (chance % 200);
    } else if (chance % 2 === 0) arbiterFaults.losesAnswer = () => random.below(2) === 0;
    else arbiterFaults.losesRequest = () => random.below(2) === 0;
  }

  private freeArbiter({ arbiterFaults }: Machine): void {
    arbiterFaults.isCut = false;
    arbiterFaults.losesAnswer = arbiterFaults.losesRequest = () => false;
    arbiterFaults.requestMs = arbiterFaults.answerMs = arbiterFaults.watchMs = () => 0.1;
  }

  private freeNetwork(machine: Machine): void {
    for (const other of this.world.machines) {
      this.world.network.unblock(machine.name, other.name);
      this.world.network.unblock(other.name, machine.name);
    }
  }

  /**
   * Whether the group survives the loss of this disk: another member must be listed with the store that it has. A change of the
   * register that is under way may leave that one out, which is no loss of data but the end of availability (H9).
   */
  private isSpare(machine: Machine): boolean {
    const { record } = this.world.register;
    if (record === undefined || this.world.isChanging(machine)) return false;
    return record.members.some(({ name, storeId }) => {
      const one = this.world.machines.find((candidate) => candidate.name === name)!;
      return one !== machine && one.disk.identity?.memberId === storeId && !this.world.isChanging(one);
    });
  }
}

const AMBUSHES = ['kill', 'kill', 'power', 'pause', 'cut', 'reset', 'arbiterCut', 'slowDisk'] as const;
