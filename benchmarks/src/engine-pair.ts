import { join } from 'node:path';
import type { BusDescription, BusProvider } from '@aep/bus';
import { type AppDefinition, createEngine, defineApp, type Engine } from '@aep/engine';
import { SeededRandom, SystemClock } from '@aep/kernel';
import { openLmdbStore } from '@aep/store-lmdb';
import { Order, Positions, TradeFactory } from './gen/trade.js';
import { book, fillOrder, type OrderContent, orderContent, readAll } from './orders.js';

const CONTENTS = 20_000;

export interface EnginePairOptions {
  readonly directory: string;
  readonly provider: BusProvider;
  /** A Guaranteed channel `orders`, and `taker` in the roster. */
  readonly description: BusDescription;
}

/** Two engines with their journals on the disk and a broker between them: `gateway` sends orders, `taker` keeps positions. */
export class EnginePair {
  private readonly contents: readonly OrderContent[];
  private offered = 0;
  private handled = 0;
  private onHandled: () => void = () => undefined;
  private engines: readonly [gateway: Engine, taker: Engine] | undefined;

  private constructor() {
    const random = new SeededRandom(1);
    this.contents = Array.from({ length: CONTENTS }, (_, sequence) => orderContent(sequence, random));
  }

  static async start(options: EnginePairOptions): Promise<EnginePair> {
    const pair = new EnginePair();
    const taker = defineApp({ name: 'taker', state: Positions, factories: [TradeFactory] }).on(
      Order,
      (order, { state }) => {
        readAll(order);
        book(order, state.positions.getOrCreate(order.account));
        pair.handled++;
        pair.onHandled();
      },
    );
    const receiving = await startEngine('taker', taker.definition, options);
    const gateway = defineApp({ name: 'gateway', factories: [TradeFactory] });
    pair.engines = [await startEngine('gateway', gateway.definition, options), receiving];
    return pair;
  }

  /** Orders per second, each sent in a journaled transaction, until the last is handled, journaled and acknowledged. */
  async saturate(count: number): Promise<number> {
    const [gateway, taker] = this.engines!;
    const startedMs = performance.now();
    const until = this.offered + count;
    const handled = this.untilHandled(until);
    while (this.offered < until) if (!this.offer()) await gateway.whenWritable();
    await handled;
    for (const engine of [gateway, taker]) await engine.whenIdle();
    return (count / (performance.now() - startedMs)) * 1000;
  }

  /** Milliseconds from the send to its stability, which is the sender's synced commit, and to the handler on the other side. */
  async roundTrip(): Promise<{ readonly stableMs: number; readonly handledMs: number }> {
    const [gateway] = this.engines!;
    const order = fillOrder(Order.create(), this.contents[this.offered % this.contents.length]!);
    const startedMs = performance.now();
    const handled = this.untilHandled(++this.offered).then(() => performance.now() - startedMs);
    await gateway.senderFor().sendMessage('orders', order);
    const stableMs = performance.now() - startedMs;
    const handledMs = await handled;
    for (const engine of this.engines!) await engine.whenIdle();
    return { stableMs, handledMs };
  }

  async stop(): Promise<void> {
    for (const engine of this.engines!) await engine.stop();
  }

  private untilHandled(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.onHandled = () => {
        if (this.handled === count) resolve();
      };
    });
  }

  private offer(): boolean {
    const order = fillOrder(Order.create(), this.contents[this.offered % this.contents.length]!);
    const isAccepted = this.engines![0].senderFor().offer('orders', order) === 'accepted';
    if (isAccepted) this.offered++;
    else order.dispose();
    return isAccepted;
  }
}

async function startEngine(name: string, app: AppDefinition, options: EnginePairOptions): Promise<Engine> {
  const { directory, provider, description } = options;
  const clock = new SystemClock();
  const join_ = description.roster.some((entry) => entry.app === name);
  const engine = createEngine({
    app,
    clock,
    store: () => openLmdbStore({ path: join(directory, name), engineName: name, clock }),
    buses: [{ description, provider, channels: [{ name: 'orders', join: join_ }] }],
  });
  await engine.start();
  return engine;
}
