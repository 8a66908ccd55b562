import { type BusDescription, LoopbackProvider, type Subscriber } from '@aep/bus';
import { FunctionLog, type LogLine, SeededRandom, VirtualClock } from '@aep/kernel';
import { MemoryStore } from '@aep/store';
import { createEngine, type Engine, type EngineOptions } from '@aep/engine';

/** Channels that the tests use: `deposits` in, `events` out, both Guaranteed; `news` is BestEffort. */
export function bankBus(roster: readonly Subscriber[] = []): BusDescription {
  const channel = (name: string, id: number, qos: 'Guaranteed' | 'BestEffort') => ({ name, id, qos, properties: {} });
  return {
    name: 'bank-bus',
    provider: 'loopback',
    address: 'bank',
    port: 0,
    properties: {},
    channels: [
      channel('deposits', 1, 'Guaranteed'),
      channel('events', 2, 'Guaranteed'),
      channel('news', 3, 'BestEffort'),
    ],
    roster,
  };
}

/** A process on a virtual clock: engines over memory stores and one loopback bus. Nothing here takes real time. */
export class World {
  readonly clock = new VirtualClock();
  readonly lines: LogLine[] = [];
  readonly log = new FunctionLog((line) => void this.lines.push(line));
  provider = new LoopbackProvider();
  readonly stores = new Map<string, MemoryStore>();

  constructor(readonly seed = 1) {}

  store(name: string): MemoryStore {
    let store = this.stores.get(name);
    if (store === undefined)
      this.stores.set(
        name,
        (store = new MemoryStore({ clock: this.clock, engineName: name, random: new SeededRandom(this.seed) })),
      );
    return store;
  }

  engine<S = unknown>(
    name: string,
    options: Omit<EngineOptions, 'store'> & Partial<Pick<EngineOptions, 'store'>>,
  ): Engine<S> {
    return createEngine<S>({
      name,
      clock: this.clock,
      random: new SeededRandom(this.seed),
      log: this.log,
      store: () => this.store(name),
      ...options,
    });
  }

  /** Runs until the promise settles, moving the clock from event to event; at most `virtualMsMax` of virtual time. */
  async run<T>(promise: Promise<T>, virtualMsMax = 600_000): Promise<T> {
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    promise.then(
      (value) => (outcome = { value }),
      (error: unknown) => (outcome = { error }),
    );
    const endMs = this.clock.monotonicMs() + virtualMsMax;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (outcome !== undefined) break;
      if (this.clock.monotonicMs() > endMs || !this.clock.runNext()) {
        await new Promise((resolve) => setImmediate(resolve));
        if (outcome === undefined && (this.clock.monotonicMs() > endMs || this.clock.pending === 0))
          throw new Error(`nothing happens any more at ${this.clock.monotonicMs()} ms`);
      }
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Lets what is due now happen, promises included. */
  async settle(): Promise<void> {
    for (let round = 0; round < 20; round++) {
      this.clock.settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Moves the clock in small steps, so that what promises do in between happens at about its time. */
  async advance(durationMs: number): Promise<void> {
    await this.settle();
    const endMs = this.clock.monotonicMs() + durationMs;
    const stepMs = Math.max(1, durationMs / 100);
    while (this.clock.monotonicMs() < endMs) {
      this.clock.advance(Math.min(stepMs, endMs - this.clock.monotonicMs()));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.settle();
  }

  /** The process dies: engines are abandoned, stores keep what was durable, the bus forgets everything. */
  crash(outcome: 'lost' | 'kept' | 'torn' | 'chance' = 'lost'): void {
    for (const [name, store] of this.stores) this.stores.set(name, store.crash(outcome));
    this.provider = new LoopbackProvider();
  }
}
