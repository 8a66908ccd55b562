import { type BusDescription, LoopbackProvider } from '@aep/bus';
import { createEngine, type Engine } from '@aep/engine';
import { type GatewayJournal, NewOrderMessage } from '@aep/example-orders';
import { describeError, ProcessClock, SeededRandom, silentLog, VirtualClock } from '@aep/kernel';
import { MemoryDisk, MemoryStore } from '@aep/store';
import { checkAlarms } from '../checker/alarm-effects.js';
import type { Violation } from '../checker/invariants.js';
import { readMemory } from '../checker/memory-image.js';
import { type AlarmBook, alarmApp, EVENTS, isPoison, sourcedAlarmApp } from './alarms-app.js';
import { WallJumps } from './wall-jumps.js';

const LINES = 40;
const STEPS = 400;
const QUIET_STEPS_MAX = 20_000;
/** An alarm may ring so much later than it is due: the disk is slow, and others ring before. */
const LATE_MS_MAX = 300;
/** The journal is kept whole, so that everything can be checked. */
const RETENTION_MS = 1e12;

/**
 * One seed: an engine sets an alarm for each line, throws, changes its mind at savepoints, and dies, while the wall clock
 * jumps. Odd seeds have an event-sourced engine, whose state is a replay. Answers the first violations.
 */
export async function simulateAlarms(seed: number): Promise<Violation[]> {
  const simulation = new AlarmsSimulation(seed);
  return simulation.run();
}

interface SetAlarm {
  readonly atMs: number;
  readonly delayMs: number;
}

class AlarmsSimulation {
  private readonly clock = new VirtualClock();
  private readonly random: SeededRandom;
  private readonly wall: WallJumps;
  private readonly isSourced: boolean;
  private readonly crashRate: number;
  private readonly set = new Map<number, SetAlarm>();
  private node: { readonly engine: Engine; readonly clock: ProcessClock; readonly store: MemoryStore };
  private readonly failed = new Set<number>();
  private isStarted = false;
  private offered = 0;
  private violations: Violation[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.wall = new WallJumps(this.clock, seed);
    this.isSourced = seed % 2 === 1;
    this.crashRate = this.random.below(3) === 0 ? 0 : 0.005 + this.random.float() * 0.02;
    this.node = this.boot(new MemoryDisk());
  }

  async run(): Promise<Violation[]> {
    for (let step = 0; step < STEPS && this.violations.length === 0; step++) {
      this.wall.step();
      if (this.random.float() < this.crashRate) this.crash();
      await this.turn();
    }
    this.checkOverdue();
    if (this.violations.length > 0) return this.violations;
    // After a start only the wall clock tells what is left of a delay: years, when the alarm was set in a future. There it ends.
    this.wall.toTheEnd();
    this.crash();
    for (let step = 0; step < QUIET_STEPS_MAX && this.violations.length === 0; step++) {
      await this.turn();
      if (this.isStarted && this.offered === LINES && this.isIdle()) break;
    }
    this.check(true);
    return this.violations;
  }

  private isIdle(): boolean {
    const { engine } = this.node;
    const { inboundQueued, inFlight } = engine.statistics();
    return inboundQueued === 0 && inFlight === 0 && engine.timers.length === 0;
  }

  private async turn(): Promise<void> {
    if (this.isStarted && this.offered < LINES && this.random.below(4) === 0) this.offer();
    this.clock.runNext();
    await new Promise((resolve) => setImmediate(resolve));
  }

  private offer(): void {
    const order = NewOrderMessage.create();
    order.line = this.offered + 1;
    if (this.node.engine.offer(order) === 'accepted') this.offered++;
    else order.dispose();
  }

  private crash(): void {
    this.checkOverdue();
    const { clock, store } = this.node;
    clock.kill();
    this.set.clear();
    this.node = this.boot(store.crash('chance').disk);
  }

  private boot(disk: MemoryDisk): AlarmsSimulation['node'] {
    this.isStarted = false;
    const clock = new ProcessClock(this.clock, (error) => this.onDeath(error));
    const store = new MemoryStore({ clock, engineName: 'alarms', disk, random: this.random.split() });
    const { random } = this;
    store.faults.commitMs = () => random.float() * 20;
    const engine = createEngine({
      name: 'alarms',
      app: this.isSourced ? sourcedAlarmApp(this.failed) : alarmApp(this, this.failed),
      store: () => store,
      buses: [{ description: BUS, provider: new LoopbackProvider(), channels: [{ name: EVENTS, join: false }] }],
      clock,
      random: this.random.split(),
      log: silentLog,
      limits: { journalRetentionMs: RETENTION_MS, snapshotEvery: 10 },
      policies: { retryBackoffMs: 1 },
    });
    const node = { engine, clock, store };
    engine.start().then(
      () => this.onStarted(node),
      (error: unknown) => this.onDeath(error),
    );
    return node;
  }

  private onStarted(node: AlarmsSimulation['node']): void {
    if (this.node !== node) return;
    this.isStarted = true;
    // Lines come in rising order, so the state tells which of them have to be offered again.
    this.offered = node.engine.read((state) => (state as GatewayJournal | AlarmBook).lastLine);
    this.check(false);
  }

  private onDeath(error: unknown): void {
    const detail = `the engine ended: ${describeError(error)}`;
    this.violations.push({ invariant: 'Liveness', engine: 'alarms', detail });
  }

  private check(isComplete: boolean): void {
    if (this.violations.length > 0) return;
    const lines = Array.from({ length: LINES }, (_, index) => index + 1).filter((line) => !isPoison(line));
    const { engine, store } = this.node;
    // Only after a start is the state of a sourced engine a replay, and the disk as old as the state.
    const notes = this.isSourced ? engine.read((state) => [...(state as AlarmBook).notes]) : undefined;
    this.violations.push(...checkAlarms(readMemory(store, 'alarms'), { lines, isComplete, notes }));
  }

  // What the handlers of the engine that is not event-sourced tell.

  onScheduled(line: number, delayMs: number): void {
    if (!this.set.has(line)) this.set.set(line, { atMs: this.clock.monotonicMs(), delayMs });
  }

  /** Within one life of a process a delay passes on the monotonic clock, wherever the wall clock is. */
  onFired(line: number): void {
    const alarm = this.set.get(line);
    if (alarm === undefined) return;
    this.set.delete(line);
    this.checkTime(line, alarm, true);
  }

  private checkOverdue(): void {
    for (const [line, alarm] of this.set) if (!isPoison(line)) this.checkTime(line, alarm, false);
  }

  private checkTime(line: number, { atMs, delayMs }: SetAlarm, hasRung: boolean): void {
    const lateMs = this.clock.monotonicMs() - atMs - delayMs;
    if (lateMs <= LATE_MS_MAX && (lateMs >= -1 || !hasRung)) return;
    const detail = `the alarm of line ${line} ${hasRung ? 'rings' : 'has not rung'} ${lateMs} ms after it is due`;
    this.violations.push({ invariant: 'Liveness', engine: 'alarms', detail });
  }
}

const BUS: BusDescription = {
  name: 'bus',
  provider: 'loopback',
  address: 'alarms',
  port: 0,
  properties: {},
  channels: [{ name: EVENTS, id: 1, qos: 'Guaranteed', properties: {} }],
  roster: [],
};
