import type { Engine } from '@aep/engine';
import type { Violation } from '../checker/invariants.js';
import { checkOrders } from '../checker/orders-effects.js';
import { ENGINES } from '../harness/paths.js';
import { DEATHS_MAX, orderOf, OrdersWorld, type EngineName } from './orders-world.js';
import { WallJumps } from './wall-jumps.js';

const LINES = 60;
/** Choices of the safety phase, in which faults happen. */
const STEPS = 900;
/** Virtual time within which everything must have come to rest when the faults have stopped. */
const QUIET_MS_MAX = 120_000;

/**
 * One seed: a client hands over lines and repeats what was not acknowledged to it, while processes die, disks are slow and
 * fail, and connections break. What the disks hold is checked at every death and at the end, when everything must have
 * arrived. Answers the first violations; none is the promise.
 */
export async function simulateOrders(seed: number): Promise<Violation[]> {
  const simulation = new OrdersSimulation(seed);
  return (await simulation.safetyPhase()) ?? (await simulation.livenessPhase()) ?? [];
}

class OrdersSimulation {
  private readonly world: OrdersWorld;
  private readonly lines = new Set(Array.from({ length: LINES }, (_, index) => index + 1));
  /** The client was told that these are safe. */
  private readonly acknowledged = new Set<number>();
  /** Handed over in this life of the gateway. */
  private handedOver = new Set<number>();
  private gateway: Engine | undefined;
  /** Crashes that the clock has brought. */
  private crashes = 0;
  private hasFaults = true;
  /** Each fault class is off in a third of the seeds (H31). */
  private readonly rates: Readonly<Record<'crash' | 'reset' | 'failingSync' | 'slowDisk', number>>;
  private readonly wall: WallJumps;

  constructor(seed: number) {
    this.world = new OrdersWorld(seed);
    this.wall = new WallJumps(this.world.clock, seed);
    const { random } = this.world;
    const rate = (most: number): number => (random.below(3) === 0 ? 0 : random.float() * most);
    this.rates = { crash: 0.002 + rate(0.02), reset: rate(0.04), failingSync: rate(0.003), slowDisk: rate(150) };
  }

  async safetyPhase(): Promise<Violation[] | undefined> {
    for (let step = 0; step < STEPS; step++) {
      const deaths = this.world.deaths.length + this.crashes;
      const isCrash = this.chooseFault();
      this.wall.step();
      this.handOver();
      await this.turn();
      const violations = isCrash || this.world.deaths.length + this.crashes > deaths ? this.check(false) : [];
      if (violations.length > 0) return violations;
      if (this.world.deaths.length > DEATHS_MAX) return this.stuck('processes die again and again');
    }
    return undefined;
  }

  /** No faults any more: everything must be acknowledged, delivered and applied. */
  async livenessPhase(): Promise<Violation[] | undefined> {
    const { world } = this;
    this.hasFaults = false;
    for (const name of ENGINES) world.store(name).faults.commitMs = () => 0;
    const endMs = world.clock.monotonicMs() + QUIET_MS_MAX;
    let idle: Engine[] = [];
    while (world.clock.monotonicMs() < endMs && world.deaths.length <= DEATHS_MAX) {
      this.handOver();
      await this.turn();
      const isAllUp = ENGINES.every((name) => world.isStarted(name));
      if (!isAllUp || this.acknowledged.size < LINES) continue;
      idle = ENGINES.map((name) => world.engine(name));
      if (idle.every((engine) => isIdle(engine))) break;
      idle = [];
    }
    const violations = this.check(idle.length > 0);
    return violations.length > 0 || idle.length > 0 ? violations : this.stuck('not everything has come to rest');
  }

  /** True when a process died of it. */
  private chooseFault(): boolean {
    const { world, rates } = this;
    const { random } = world;
    const name: EngineName = ENGINES[random.below(ENGINES.length)]!;
    const { faults } = world.store(name);
    faults.commitMs = () => random.float() * rates.slowDisk;
    faults.applyMs = () => random.float() * rates.slowDisk;
    if (random.float() < rates.failingSync) faults.failsNextSync = true;
    if (random.float() < rates.reset) this.reset();
    if (random.float() >= rates.crash) return false;
    world.crash(name);
    return true;
  }

  /** A connection breaks; what broke it may take the receiver with it some time later, when the sender has come back. */
  private reset(): void {
    const { world } = this;
    const { random } = world;
    const receiver: EngineName = random.below(2) === 0 ? 'ledger' : 'order-processor';
    world.network.reset('order-processor', receiver === 'ledger' ? 'ledger' : 'gateway');
    if (random.below(3) > 0) return;
    // On the clock: between two things that happen time passes too, and a disk may be at work in it.
    world.clock.schedule(10 + random.float() * 60, () => {
      if (!this.hasFaults) return;
      world.crash(receiver);
      this.crashes++;
    });
  }

  /** The client hands over in order; after a death of the gateway it repeats what was not acknowledged. */
  private handOver(): void {
    const { world } = this;
    const gateway = world.isStarted('gateway') ? world.engine('gateway') : undefined;
    if (gateway !== this.gateway) this.handedOver = new Set(this.acknowledged);
    this.gateway = gateway;
    if (gateway === undefined || world.random.below(4) !== 0) return;
    const line = [...this.lines].find((candidate) => !this.handedOver.has(candidate));
    if (line === undefined) return;
    this.handedOver.add(line);
    const sent = gateway
      .senderFor()
      .sendMessage('new-orders-channel', orderOf(line), { idempotencyKey: `line ${line}` });
    sent.then(
      () => this.acknowledged.add(line),
      () => undefined,
    );
  }

  private async turn(): Promise<void> {
    const { clock } = this.world;
    for (let count = this.world.random.below(4); count >= 0; count--) {
      try {
        clock.runNext();
      } catch (error) {
        // Thrown through the network into the receiver's code: an exception that nobody caught there.
        this.world.deaths.push(String(error));
        for (const name of ENGINES) this.world.crash(name);
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  private check(isComplete: boolean): Violation[] {
    return checkOrders(this.world.images, { lines: this.lines, acknowledged: this.acknowledged, isComplete });
  }

  private stuck(what: string): Violation[] {
    const facts = `${this.acknowledged.size} of ${LINES} lines acknowledged; deaths: ${this.world.deaths.slice(-3).join('; ')}`;
    return [{ invariant: 'Liveness', engine: 'all', detail: `${what}: ${facts}` }];
  }
}

function isIdle(engine: Engine): boolean {
  const { inboundQueued, inFlight } = engine.statistics();
  return inboundQueued === 0 && inFlight === 0;
}
