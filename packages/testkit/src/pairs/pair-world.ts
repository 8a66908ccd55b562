import process from 'node:process';
import { Member, type MemberEvent, type MemberLimits, type MemberOptions, type MemberPorts } from '@aep/cluster';
import type { BusDescription, BusProvider } from '@aep/bus';
import type { EngineOptions } from '@aep/engine';
import { AepError, type Log, SeededRandom, silentLog, toError, VirtualClock } from '@aep/kernel';
import { MemoryNetwork } from '@aep/net';
import { type CrashOutcome, type JournalOptions, MemoryDisk, MemoryStoreMaker, type StoreMaker } from '@aep/store';
import { Broker } from './broker.js';
import { ClosingCount } from './counted-stores.js';
import { Machine, type MachineLife } from './machine.js';
import { MachineArbiter } from './machine-arbiter.js';
import { MachineClock } from './machine-clock.js';
import { MachineEngines } from './machine-engines.js';
import { MachineNetwork } from './machine-network.js';
import type { WorldObserver } from './observer.js';
import { StandbyEngines } from './standby-engines.js';
import { ObservedRegister } from './observed-register.js';

export interface PairWorldOptions {
  readonly seed: number;
  readonly names: readonly string[];
  readonly observer: WorldObserver;
  /** What the engine of a member's life as primary is: application, channels, limits. */
  readonly engine: (bus: BusProvider) => Omit<EngineOptions, 'store' | 'clock' | 'random' | 'log'>;
  /** The application has a `stateCodec`: backups run its handlers (H11). @default false */
  readonly isEventSourced?: boolean;
  readonly bus: BusDescription;
  readonly member?: Partial<Omit<MemberOptions, 'group' | 'name' | 'address' | 'limits'>>;
  readonly limits?: Partial<MemberLimits>;
  readonly journal?: JournalOptions;
  /** Classes to be put in the place of the shipped ones, to prove that a checker finds what comes of it (H33). @default none */
  readonly parts?: MemberPorts['parts'];
  /** Puts something between a member and its stores. @default nothing */
  readonly stores?: (maker: StoreMaker) => StoreMaker;
  /** Travel time between members; of each piece up to `jitterMs` more. @default 0.1, 0 */
  readonly delayMs?: number;
  readonly jitterMs?: number;
  readonly pieceBytesMax?: number;
  /** Inputs that the broker hands to one process ahead of its acknowledgements. @default 16 */
  readonly brokerWindowMax?: number;
  readonly arbiterTimeoutMs?: number;
  readonly log?: (name: string) => Log;
}

/**
 * Members of a group, each a process on a machine of its own, with their network, disks, arbiter and broker: in one thread, on one
 * virtual clock. A run is a function of its seed; each component has a generator of its own, so that what one draws does not
 * change what another does (H30). Everything under test is the shipped code, put together as a host does it.
 */
export class PairWorld {
  readonly clock = new VirtualClock();
  readonly network: MemoryNetwork;
  readonly register: ObservedRegister;
  readonly broker: Broker;
  readonly machines: readonly Machine[];
  readonly random: SeededRandom;
  /** What killed a process that nobody killed. */
  readonly crashes: string[] = [];
  events = 0;
  private readonly closing = new ClosingCount();
  private lives = 0;

  constructor(readonly options: PairWorldOptions) {
    const { clock } = this;
    const random = (this.random = new SeededRandom(options.seed));
    const { delayMs = 0.1, jitterMs = 0, pieceBytesMax = 65_536 } = options;
    this.network = new MemoryNetwork({ clock, random: random.split(), delayMs, jitterMs, pieceBytesMax });
    this.register = new ObservedRegister((record) => options.observer.onRegister?.(record));
    const brokerRandom = random.split();
    this.broker = new Broker({
      clock,
      random: brokerRandom,
      description: options.bus,
      delayMs: () => delayMs + brokerRandom.float() * jitterMs,
      windowMax: options.brokerWindowMax ?? 16,
      observer: options.observer,
    });
    this.machines = options.names.map((name, index) => new Machine(name, index, random.split()));
  }

  /** Starts the process of a machine that has none. */
  boot(machine: Machine): void {
    if (machine.isRunning) return;
    if (machine.life !== undefined) this.bury(machine, 'kept');
    const { options } = this;
    const random = this.random.split();
    const clock = new MachineClock(this.clock, machine.pace, (error) => this.crashed(life, error));
    const maker = new MemoryStoreMaker({
      clock,
      disk: machine.disk,
      faults: machine.diskFaults,
      random: random.split(),
      engineName: 'app',
      ...(options.journal === undefined ? {} : { journal: options.journal }),
    });
    this.closing.count(maker);
    const arbiter = this.register.connect({
      clock: this.clock,
      faults: machine.arbiterFaults,
      requestTimeoutMs: options.arbiterTimeoutMs ?? 100,
      announceIntervalMs: 100,
    });
    machine.arbiters = [...machine.arbiters.filter(({ requestsOnTheWay }) => requestsOnTheWay > 0), arbiter];
    const ways = new MachineArbiter(arbiter, clock);
    const life = {
      machine,
      number: ++this.lives,
      clock,
      maker,
      arbiter,
      events: [],
      failuresBefore: machine.disk.failures,
      isOver: false,
      cause: undefined,
    } as unknown as Writable<MachineLife>;
    const Engines = options.isEventSourced === true ? StandbyEngines : MachineEngines;
    life.engines = new Engines(life, options.observer, () => this.engineOptions(life, random.split()));
    life.member = new Member(
      {
        group: 'app',
        name: machine.name,
        address: '127.0.0.1:0',
        version: '0.1.0',
        ...options.member,
        limits: options.limits ?? {},
      },
      {
        clock,
        random: random.split(),
        network: new MachineNetwork(this.network.node(machine.name), clock),
        arbiter: ways,
        stores: options.stores?.(maker) ?? maker,
        engines: life.engines,
        ...(life.engines instanceof StandbyEngines ? { replay: life.engines.replay } : {}),
        log: options.log?.(machine.name) ?? silentLog,
        onEvent: (event: MemberEvent) => void life.events.push(event),
        onMark: (mark) => options.observer.onMark?.(life, mark),
        onStopped: (cause) => this.ended(life, cause),
        ...(options.parts === undefined ? {} : { parts: options.parts }),
      },
    );
    machine.life = life;
    clock.run(() => life.member.start());
  }

  /** `kill -9`, or with an outcome of 'lost' the power. */
  kill(machine: Machine, outcome: CrashOutcome = 'chance'): void {
    const { life } = machine;
    if (life === undefined) return;
    if (!life.isOver) this.options.observer.onEnd?.(life, undefined, true);
    this.bury(machine, outcome);
  }

  /** The disk is replaced by an empty one; the process on it dies with it. */
  loseDisk(machine: Machine): void {
    this.kill(machine, 'lost');
    if (machine.disk.identity !== undefined && !machine.isDamaged) machine.formerDisk = machine.disk;
    machine.disk = new MemoryDisk();
    machine.isDamaged = false;
  }

  /**
   * The disk that was there before the last loss is put in the place of the present one: an older state, under its own identity.
   * False when there is none.
   */
  bringBackDisk(machine: Machine): boolean {
    const { formerDisk } = machine;
    if (formerDisk === undefined) return false;
    machine.formerDisk = undefined;
    this.loseDisk(machine);
    machine.disk = formerDisk;
    return true;
  }

  /** One bit of one record flips while the power is off (S5). False when there is no record. */
  damageDisk(machine: Machine): boolean {
    this.kill(machine, 'lost');
    const { disk, random } = machine;
    const first = disk.runs[0];
    const last = disk.runs[disk.runs.length - 1];
    if (first === undefined || last === undefined || !disk.isComplete || machine.isDamaged) return false;
    const txId = first.firstTxId + random.below(last.lastTxId - first.firstTxId + 1);
    disk.flipBit(txId, random.below(RECORD_BYTES_MIN), random.below(8));
    machine.isDamaged = true;
    return true;
  }

  /** Answers whether the condition came to hold before `endMs` of the world's time. */
  async runUntil(endMs: number, condition: () => boolean = () => false): Promise<boolean> {
    while (this.clock.nextDueMs <= endMs) {
      this.events++;
      this.clock.runNext();
      // What promises do now happens before the next event. A tick comes when none of them has anything left to do.
      if (this.hasPromises) await new Promise((resolve) => process.nextTick(resolve));
      if (condition()) return true;
    }
    this.clock.advance(Math.max(0, endMs - this.clock.monotonicMs()));
    return condition();
  }

  get primary(): Machine | undefined {
    const { record } = this.register;
    const machine = this.machines.find(({ name }) => name === record?.primary.name);
    if (machine === undefined || !machine.isAwake) return undefined;
    return machine.life!.member.status().role === 'primary' && machine.life!.engines.current?.state === 'started'
      ? machine
      : undefined;
  }

  /** All members run, are listed and linked, and have the same records. */
  get isWhole(): boolean {
    const { primary } = this;
    if (primary === undefined || this.register.record!.members.length < this.machines.length) return false;
    const { lastTxId, stableTxId } = primary.life!.member.status();
    return (
      lastTxId === stableTxId &&
      this.machines.every((machine) => {
        if (!machine.isAwake) return false;
        const status = machine.life!.member.status();
        return status.lastTxId === lastTxId && (machine === primary || (status.role === 'backup' && status.isLinked));
      })
    );
  }

  /** Whether a change of the register that this machine has asked for may still arrive there. */
  isChanging(machine: Machine): boolean {
    return machine.arbiters.some(({ requestsOnTheWay }) => requestsOnTheWay > 0);
  }

  private get hasPromises(): boolean {
    if (this.closing.value > 0) return true;
    for (const { life } of this.machines) if (life?.engines.isBetween === true) return true;
    return false;
  }

  private engineOptions(life: MachineLife, random: SeededRandom): Omit<EngineOptions, 'store'> {
    return {
      ...this.options.engine(this.broker.providerFor(life)),
      clock: life.clock,
      random,
      log: this.options.log?.(life.machine.name) ?? silentLog,
    };
  }

  /** An exception that nobody caught ends a process as a kill does. */
  private crashed(life: MachineLife, error: unknown): void {
    if (life.isOver || life.clock.isDead) return;
    this.crashes.push(`${life.machine.name}: ${toError(error).stack ?? String(error)}`);
    const cause = error instanceof AepError ? error : new AepError('AEP_ASSERTION', 'fatal', String(error), {});
    this.ended(life, cause);
    life.clock.kill();
  }

  private ended(life: MachineLife, cause: AepError | undefined): void {
    if (life.isOver) return;
    life.isOver = true;
    life.cause = cause;
    this.options.observer.onEnd?.(life, cause, false);
  }

  private bury(machine: Machine, outcome: CrashOutcome): void {
    const life = machine.life!;
    machine.life = undefined;
    life.clock.kill();
    life.maker.crash(outcome);
    life.arbiter.crash();
    this.broker.disconnect(life);
    this.network.crash(machine.name);
  }
}

/** Every record has a header, and mostly more than that. */
const RECORD_BYTES_MIN = 48;

type Writable<T> = { -readonly [K in keyof T]: T[K] };
