import type { MarkName } from '@aep/cluster';
import type { Engine } from '@aep/engine';
import { FunctionLog, toError } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import { setCheckedMode } from '@aep/messages/internal';
import { type MachineLife, PairWorld, type PairWorldOptions } from '@aep/testkit/pairs';
import { EpochChecker } from './checkers/epochs.js';
import { FinalChecker } from './checkers/final.js';
import { Ledger } from './checkers/ledger.js';
import { MemoryChecker } from './checkers/memory.js';
import { ReleaseChecker } from './checkers/releases.js';
import { Trace } from './checkers/trace.js';
import { Findings, type Violation } from './checkers/violation.js';
import { COUNTER_BUS, counterApp, type CounterModel, encodeInput } from './counter-app.js';
import { checkReplays, eventSourcedCounterApp, haveReplayed } from './event-sourced-counter.js';
import { fanOut } from './fan-out.js';
import type { Fault, Plan, PlannedInput } from './plan.js';
import { Strikes } from './strikes.js';

export interface SimulationOptions {
  /** Classes in the place of the shipped ones (H33). */
  readonly parts?: PairWorldOptions['parts'];
  /** Stores that break a rule. */
  readonly stores?: PairWorldOptions['stores'];
  /** Breaks a rule of the engine until the answer is called. */
  readonly patch?: () => Promise<() => void>;
  /** Keeps a line of everything that happens. */
  readonly isTold?: boolean;
}

export interface Outcome {
  readonly violations: readonly Violation[];
  readonly events: number;
  readonly simulatedMs: number;
  readonly traceHash: number;
  readonly marks: ReadonlyMap<MarkName, number>;
  /** How often each class of faults has done something. */
  readonly struck: ReadonlyMap<Fault, number>;
  readonly committed: number;
  readonly lines: readonly string[];
}

/** Of the world's time, from the end of the faults: far more than any of the deadlines of members takes. */
const LIVENESS_MS_MAX = 4_000;
/** Of the world's time in which connections that are ending come to their end. */
const REST_MS = 200;
/** The longest timer that a stopped process may leave behind. */
const TIMERS_MS_MAX = 1_500;
/** Events between two looks whether everything is at rest. */
const LOOK_EVERY = 8;
/** More events than any seed has; a world that does not come to rest is stopped here. */
const EVENTS_MAX = 200_000;

/** Runs one plan: a safety phase with faults, then a liveness phase without (H31). */
export async function simulate(plan: Plan, options: SimulationOptions = {}): Promise<Outcome> {
  // Finds more, and takes longer: places where messages were given away are noted.
  setCheckedMode(plan.seed % 8 === 0);
  const unpatch = await options.patch?.();
  try {
    return await new Simulation(plan, options).run();
  } finally {
    unpatch?.();
  }
}

class Simulation {
  private readonly findings = new Findings();
  private readonly ledger = new Ledger(
    () => this.world.machines,
    this.findings,
    () => this.plan,
  );
  private readonly releases = new ReleaseChecker(this.ledger, this.findings);
  private readonly trace: Trace;
  private readonly marks = new Map<MarkName, number>();
  private readonly world: PairWorld;
  private readonly strikes: Strikes;
  private readonly dueInputs: number;

  constructor(
    private readonly plan: Plan,
    options: SimulationOptions,
  ) {
    const { findings, ledger, releases } = this;
    this.dueInputs = plan.inputs.length + plan.inputs.filter(({ againAfterMs }) => againAfterMs !== undefined).length;
    this.trace = new Trace(() => this.world.clock.monotonicMs(), options.isTold === true);
    const observer = fanOut([
      ledger,
      new EpochChecker(findings),
      releases,
      new MemoryChecker(ledger, plan, findings),
      this.trace,
      {
        onMark: (life, mark) => this.onMark(life, mark),
        onEnd: (life, _cause, wasKilled) => this.onEnd(life, wasKilled),
      },
    ]);
    this.world = new PairWorld({
      ...worldOptions(plan),
      observer,
      ...(options.parts && { parts: options.parts }),
      ...(options.stores && { stores: options.stores }),
      ...(options.isTold === true && { log: (name: string) => this.logOf(name) }),
    });
    this.strikes = new Strikes(this.world, plan.disk, (line) => this.trace.note(line));
  }

  async run(): Promise<Outcome> {
    try {
      await this.safetyPhase();
      if (this.isFine) await this.livenessPhase();
      if (this.isFine) await this.checkRest();
    } catch (thrown) {
      this.findings.add('FailStop', `the simulation ended with ${toError(thrown).stack}`);
    }
    for (const crash of this.world.crashes) this.findings.add('FailStop', `a process crashed: ${crash}`);
    return {
      violations: this.findings.list,
      events: this.world.events,
      simulatedMs: this.world.clock.monotonicMs(),
      traceHash: this.trace.hash,
      marks: this.marks,
      struck: this.strikes.struck,
      committed: this.ledger.committed.length,
      lines: this.trace.lines ?? [],
    };
  }

  private get isFine(): boolean {
    return this.findings.list.length === 0 && this.world.crashes.length === 0;
  }

  private async safetyPhase(): Promise<void> {
    const { world, plan } = this;
    for (const [index, machine] of world.machines.entries()) machine.pace = plan.paces[index]!;
    for (const machine of world.machines) world.boot(machine);
    for (const input of plan.inputs) this.handOver(input);
    for (const action of plan.actions) this.strikes.plan(action);
    await world.runUntil(plan.safetyMs, () => !this.isFine || world.events > EVENTS_MAX);
  }

  /** The client hands an input over to the broker, which keeps it; sometimes twice. */
  private handOver(input: PlannedInput): void {
    const metadata = new MessageMetadata();
    metadata.factoryId = 41;
    metadata.typeId = 1;
    metadata.senderId = input.sender;
    metadata.incarnation = 1;
    metadata.flow = input.flow;
    metadata.sno = input.sno;
    metadata.channelSno = input.sno;
    const message = { channel: 'inputs', key: '', metadata, bytes: encodeInput(input) };
    const { clock, broker } = this.world;
    clock.schedule(input.atMs, () => {
      broker.publish(message);
      if (input.againAfterMs !== undefined) clock.schedule(input.againAfterMs, () => broker.publish(message));
    });
  }

  private async livenessPhase(): Promise<void> {
    this.trace.note(() => 'the faults end');
    this.strikes.heal();
    await this.untilRest('after the faults');
  }

  private async untilRest(when: string): Promise<void> {
    const { world } = this;
    const endMs = world.clock.monotonicMs() + LIVENESS_MS_MAX;
    const isAtRest = await world.runUntil(
      endMs,
      () => !this.isFine || world.events > EVENTS_MAX || this.isDueAndAtRest,
    );
    if (this.isFine && !(isAtRest && this.isAtRest))
      this.findings.add('Liveness', `not at rest ${when}: ${this.describeWorld()}`);
  }

  /** Looks now and then only: to look takes longer than most events do. */
  private get isDueAndAtRest(): boolean {
    return this.world.events % LOOK_EVERY === 0 && this.isAtRest;
  }

  /** The cheap questions first. */
  private get isAtRest(): boolean {
    const { world, dueInputs } = this;
    const appliedTxId = this.ledger.committed.length;
    if (world.broker.inputs.length < dueInputs || !world.machines.every(({ disk }) => disk.appliedTxId === appliedTxId))
      return false;
    if (!world.broker.areInputsAcknowledged || !world.isWhole || !haveReplayed(world.machines, appliedTxId))
      return false;
    const { inboundQueued, inFlight, timers } = this.engine.statistics();
    return inboundQueued === 0 && inFlight === 0 && timers === 0;
  }

  private async checkRest(): Promise<void> {
    const { world, plan } = this;
    const final = new FinalChecker(this.ledger, this.findings);
    this.releases.checkArrived();
    const model = final.checkEffects(plan.inputs);
    for (const machine of world.machines) final.checkDisk(machine);
    final.checkState(this.engine, model, 'at rest');
    checkReplays(world.machines, model, this.findings);
    if (plan.hasColdRestart && this.isFine) await this.coldRestart(final, model);
    if (plan.hasOrderlyEnd && this.isFine) await this.orderlyEnd();
  }

  private async coldRestart(final: FinalChecker, model: CounterModel): Promise<void> {
    const { world } = this;
    this.trace.note(() => 'cold restart');
    for (const machine of world.machines) world.kill(machine, 'lost');
    for (const machine of world.machines) world.boot(machine);
    await this.untilRest('after a cold restart');
    if (!this.isFine) return;
    final.checkState(this.engine, model, 'after a cold restart');
    checkReplays(world.machines, model, this.findings);
  }

  /** Nothing is left over while it rests, nor when everybody has stopped in order. */
  private async orderlyEnd(): Promise<void> {
    const { world, findings } = this;
    const { clock, network, machines } = world;
    await world.runUntil(clock.monotonicMs() + REST_MS);
    if (network.connectionCount > machines.length - 1)
      findings.add(
        'BoundedMemory',
        `${network.connectionCount} connections are open between ${machines.length} members at rest`,
      );
    this.strikes.end();
    this.trace.note(() => 'everybody stops');
    const lives = machines.map((machine) => machine.life!);
    for (const life of lives) life.clock.run(() => life.member.stop());
    if (!(await world.runUntil(clock.monotonicMs() + LIVENESS_MS_MAX, () => lives.every((life) => life.isOver))))
      findings.add('Liveness', `a stop does not end: ${this.describeWorld()}`);
    // One that looks once more whether it is still wanted may be left, and must find that it is not.
    await world.runUntil(clock.monotonicMs() + TIMERS_MS_MAX);
    for (const { machine, clock: own, isOver } of lives)
      if (isOver && own.planned > 0)
        findings.add('Liveness', `${machine.name} has stopped and left ${own.planned} timers`);
  }

  private get engine(): Engine {
    return this.world.primary!.life!.engines.current!;
  }

  private onMark(life: MachineLife, mark: MarkName): void {
    this.marks.set(mark, (this.marks.get(mark) ?? 0) + 1);
    this.strikes.onMark(life, mark);
  }

  private onEnd(life: MachineLife, wasKilled: boolean): void {
    if (!wasKilled) this.strikes.onEnd(life);
  }

  private describeWorld(): string {
    const { world } = this;
    const members = world.machines.map(({ name, life, disk }) => {
      if (life === undefined) return `${name}: dead`;
      const { role, epoch, lastTxId, stableTxId, appliedTxId, isLinked, followers } = life.member.status();
      const links = followers.map((follower) => `${follower.name} ${follower.phase} ${follower.ackedTxId}`).join(', ');
      const { state } = life.engines.current ?? { state: 'none' };
      return `${name}: ${role} ${epoch} last ${lastTxId} stable ${stableTxId} applied ${appliedTxId}/${disk.appliedTxId} linked ${isLinked} [${links}] engine ${state}${life.isOver ? ` over: ${life.cause?.message}` : ''}`;
    });
    const unacknowledged = world.broker.inputs.filter(({ isAcknowledged }) => !isAcknowledged).length;
    return `${unacknowledged} of ${world.broker.inputs.length} inputs not acknowledged; register ${JSON.stringify(world.register.record)}; ${members.join('; ')}`;
  }

  private logOf(name: string): FunctionLog {
    return new FunctionLog(({ level, message, facts }) =>
      this.trace.note(() => `${name} log ${level}: ${message} ${JSON.stringify(facts)}`),
    );
  }
}

function worldOptions(plan: Plan): Omit<PairWorldOptions, 'observer'> {
  const isEventSourced = plan.snapshotEvery > 0;
  return {
    seed: plan.seed,
    names: ['a', 'b', 'c'].slice(0, plan.members),
    bus: COUNTER_BUS,
    isEventSourced,
    engine: (provider) => ({
      name: 'counter',
      app: isEventSourced ? eventSourcedCounterApp() : counterApp(),
      verifyReplay: isEventSourced,
      buses: [{ description: COUNTER_BUS, provider, channels: [{ name: 'inputs', join: true }] }],
      limits: { ...plan.engine, snapshotEvery: plan.snapshotEvery, stopDeadlineMs: 100, journalRetentionMs: 0 },
      policies: { retriesMax: 0, inboundAck: plan.inboundAck },
      latencies: false,
    }),
    ...(plan.acks === 'none' && { member: { acks: 'none', onDivergence: 'copy' } }),
    limits: plan.limits,
    journal: { runBytesMax: plan.runBytesMax, waitingBytesMax: plan.waitingBytesMax, spaceRecheckMs: 10 },
    ...plan.network,
    brokerWindowMax: plan.brokerWindowMax,
    arbiterTimeoutMs: plan.arbiterTimeoutMs,
  };
}
