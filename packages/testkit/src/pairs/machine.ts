import { type Member, type MemberEvent, type MemoryArbiter, MemoryArbiterFaults } from '@aep/cluster';
import type { AepError, SeededRandom } from '@aep/kernel';
import { MemoryDisk, MemoryFaults, type MemoryStoreMaker } from '@aep/store';
import type { MachineClock } from './machine-clock.js';
import type { MachineEngines } from './machine-engines.js';
import type { StandbyEngines } from './standby-engines.js';

/** One life of a member's process. */
export interface MachineLife {
  readonly machine: Machine;
  /** 1, 2, 3 … of all lives in a world. */
  readonly number: number;
  readonly clock: MachineClock;
  readonly member: Member;
  readonly engines: MachineEngines | StandbyEngines;
  readonly maker: MemoryStoreMaker;
  readonly arbiter: MemoryArbiter;
  readonly events: MemberEvent[];
  /** Of the store on the disk, when this process began. */
  readonly failuresBefore: number;
  /** The process has ended by itself. */
  isOver: boolean;
  cause: AepError | undefined;
}

/** One machine: what survives the death of its process. */
export class Machine {
  disk = new MemoryDisk();
  /** What was in the machine before its disk was replaced; somebody may put it back. */
  formerDisk: MemoryDisk | undefined;
  /** Bits of the disk have flipped, and nobody has replaced it yet. */
  isDamaged = false;
  readonly diskFaults = new MemoryFaults();
  readonly arbiterFaults = new MemoryArbiterFaults();
  life: MachineLife | undefined;
  /** Own milliseconds in one of the world. */
  pace = 1;
  /** The ways to the arbiter of its processes, of the dead ones too: a request may still be on its way. */
  arbiters: MemoryArbiter[] = [];

  constructor(
    readonly name: string,
    readonly index: number,
    /** For faults of its disk and of its way to the arbiter. */
    readonly random: SeededRandom,
  ) {}

  get isRunning(): boolean {
    return this.life !== undefined && !this.life.isOver;
  }

  /** The process runs, and is not paused. */
  get isAwake(): boolean {
    return this.isRunning && !this.life!.clock.isPaused;
  }
}
