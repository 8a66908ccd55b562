import type { MarkName } from '@aep/cluster';
import type { Machine, MachineLife, PairWorld } from '@aep/testkit/pairs';
import { DiskSwap } from './disk-swap.js';
import type { Action, Fault } from './plan.js';

/** Carries out the faults of a plan, and takes them back when their time is over or the liveness phase begins. */
export class Strikes {
  /** How often each class of faults has done something. */
  readonly struck = new Map<Fault, number>();
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
    const { machine } = life;
    // What a person does who reads in the log that the disk is damaged.
    if (machine.isDamaged && DAMAGE_CODES.has(life.cause?.code ?? '')) this.world.loseDisk(machine);
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
    this.count(action.fault, 1);
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
        else this.missed('diskLoss');
        return this.bootLater(machine, durationMs);
      case 'damage':
        if (!this.isSpare(machine) || !world.damageDisk(machine)) this.missed('damage');
        return this.bootLater(machine, durationMs);
      case 'oldDisk':
        if (!this.isSpare(machine) || !world.bringBackDisk(machine)) this.missed('oldDisk');
        return this.bootLater(machine, durationMs);
      case 'zombie':
        return this.makeZombie(world.primary, action);
      case 'swappedDisks':
        return this.swapDisks(world.primary, action);
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
        return this.misleadTo(machine.name);
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

  private count(fault: Fault, more: number): void {
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + more);
  }

  /** There was nothing that it could do. */
  private missed(fault: Fault): void {
    this.count(fault, -1);
  }

  private switchFrom(primary: Machine | undefined, { machine, other }: Action): void {
    if (primary === undefined) return this.missed('switch');
    const { name } = this.world.machines[machine === primary.index ? other : machine]!;
    const { clock, member } = primary.life!;
    clock.run(() => member.switchTo(name, () => undefined));
  }

  /** Until the primary announces itself again. */
  private misleadTo(name: string, address = this.world.register.presences.get(name)?.presence.address): void {
    const { presences, record } = this.world.register;
    const primary = presences.get(record?.primary.name ?? '');
    if (primary === undefined || address === undefined) return;
    const presence = { ...primary.presence, address };
    presences.set(presence.name, { ...primary, presence });
  }

  /**
   * It goes on as primary of an epoch that is over, since it cannot read the register; clients and broker still reach it. When
   * it has had time to get a successor, the others lose their links and are told that the successor is where the zombie is.
   */
  private makeZombie(zombie: Machine | undefined, { durationMs }: Action): void {
    if (zombie === undefined) return this.missed('zombie');
    const { world } = this;
    const { network, clock, register, machines } = world;
    const others = machines.filter((machine) => machine !== zombie);
    const address = register.presences.get(zombie.name)?.presence.address;
    zombie.arbiterFaults.isCut = true;
    for (const other of others) {
      network.block(zombie.name, other.name);
      network.block(other.name, zombie.name);
    }
    clock.schedule(SUCCESSION_MS + durationMs, () => {
      if (this.isOver) return;
      this.freeNetwork(zombie);
      this.misleadTo(zombie.name, address);
      for (const one of others)
        for (const other of others) if (one.index < other.index) network.reset(one.name, other.name);
      clock.schedule(durationMs, () => {
        if (!this.isOver) this.freeArbiter(zombie);
      });
    });
  }

  private swapDisks(primary: Machine | undefined, { machine, other, durationMs, chance }: Action): void {
    if (primary === undefined) return this.missed('swappedDisks');
    const backup = this.world.machines[machine === primary.index ? other : machine]!;
    new DiskSwap(this.world, {
      backup,
      primary,
      isOver: () => this.isOver,
      isSpare: () => this.isSpare(backup),
      boot: () => this.bootLater(backup, 1),
      cutRegister: (isCut) => (isCut ? (primary.arbiterFaults.isCut = true) : this.freeArbiter(primary)),
      killPrimary: () => this.killFor(primary, 'chance', chance % 200),
      onMissed: () => this.missed('swappedDisks'),
    }).begin(durationMs);
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
      const isGood = one.disk.identity?.memberId === storeId && !one.isDamaged;
      return one !== machine && isGood && !this.world.isChanging(one);
    });
  }
}

const DAMAGE_CODES: ReadonlySet<string> = new Set(['AEP_RECORD_CORRUPT', 'AEP_STORE_DAMAGED']);
/** As long as it takes with most plans until a backup has become primary. */
const SUCCESSION_MS = 90;
const AMBUSHES = ['kill', 'kill', 'power', 'pause', 'cut', 'reset', 'arbiterCut', 'slowDisk'] as const;
