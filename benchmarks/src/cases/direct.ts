import { join } from 'node:path';
import { DirectProvider } from '@aep/bus-direct';
import { createEngine, defineApp, type Engine } from '@aep/engine';
import { Histogram, SeededRandom, SystemClock } from '@aep/kernel';
import { openLmdbStore } from '@aep/store-lmdb';
import { type BenchmarkCase, type CaseContext, type CaseResult, scaled } from '../case.js';
import { directOrders, tapConfirmations } from '../direct-orders.js';
import { commitTimesUs } from '../commit-times.js';
import { Order, TradeFactory } from '../gen/trade.js';
import { rounded } from '../micro.js';
import { fillOrder, type OrderContent, orderContent } from '../orders.js';
import { freePort, startProcess } from '../processes/child.js';

/** An engine that sends orders, each in a journaled transaction of its own, to the reference case in another process. */
class Gateway {
  private readonly contents: readonly OrderContent[];
  private readonly sender;
  private sent = 0;
  private confirmed = 0;
  private onConfirmed: () => void = () => undefined;

  private constructor(readonly engine: Engine) {
    this.sender = engine.senderFor();
    const random = new SeededRandom(1);
    this.contents = Array.from({ length: 20_000 }, (_, sequence) => orderContent(sequence, random));
  }

  static async start(path: string, port: number): Promise<Gateway> {
    const clock = new SystemClock();
    const provider = tapConfirmations(new DirectProvider(), () => {
      gateway.confirmed++;
      gateway.onConfirmed();
    });
    const engine = createEngine({
      app: defineApp({ name: 'gateway', factories: [TradeFactory] }),
      clock,
      store: () => openLmdbStore({ path, engineName: 'gateway', clock }),
      buses: [{ description: directOrders(port), provider, channels: [{ name: 'orders' }] }],
    });
    const gateway = new Gateway(engine);
    await engine.start();
    return gateway;
  }

  /** Orders per second with as many in flight as the engine takes, until the last is confirmed. */
  async saturate(count: number): Promise<number> {
    const startedMs = performance.now();
    const until = this.sent + count;
    const done = new Promise<void>((resolve) => {
      this.onConfirmed = () => {
        if (this.confirmed === until) resolve();
      };
    });
    while (this.sent < until) {
      if (!this.offer()) await this.engine.whenWritable();
    }
    await done;
    return (count / (performance.now() - startedMs)) * 1000;
  }

  /** The next order leaves when the one before it is confirmed: durable at both ends. */
  oneInFlight(count: number, tookUs: Histogram): Promise<void> {
    return new Promise((resolve) => {
      let startedMs = performance.now();
      let left = count;
      this.onConfirmed = () => {
        tookUs.record((performance.now() - startedMs) * 1000);
        if (--left === 0) return resolve();
        setImmediate(next);
      };
      const next = (): void => {
        startedMs = performance.now();
        this.offer();
      };
      next();
    });
  }

  private offer(): boolean {
    const order = fillOrder(Order.create(), this.contents[this.sent % this.contents.length]!);
    if (this.sender.offer('orders', order) === 'accepted') {
      this.sent++;
      return true;
    }
    order.dispose();
    return false;
  }
}

async function withGateway<R>(context: CaseContext, use: (gateway: Gateway) => Promise<R>): Promise<R> {
  const port = await freePort();
  const receiver = await startProcess('engine-process', { args: [join(context.directory, 'receiver'), String(port)] });
  const gateway = await Gateway.start(join(context.directory, 'gateway'), port);
  try {
    return await use(gateway);
  } finally {
    await gateway.engine.stop();
    await receiver.stop();
  }
}

function saturated(context: CaseContext): Promise<CaseResult> {
  return withGateway(context, async (gateway) => {
    await gateway.saturate(scaled(context, 200_000));
    const rate = await gateway.saturate(scaled(context, 600_000));
    return {
      figures: [{ name: 'engine to engine', value: rounded(rate), unit: 'msg/s', goal: { atLeast: 150_000 } }],
      ratios: [],
    };
  });
}

function oneInFlight(context: CaseContext): Promise<CaseResult> {
  return withGateway(context, async (gateway) => {
    const count = scaled(context, 4_000);
    await gateway.oneInFlight(count, new Histogram());
    const tookUs = new Histogram();
    const commitUs = new Histogram();
    for (let round = 0; round < 4; round++) {
      await gateway.oneInFlight(Math.ceil(count / 4), tookUs);
      await commitTimesUs(join(context.directory, `commit-${round}`), Math.ceil(count / 4), commitUs);
    }
    const { latencies } = gateway.engine.statistics();
    const parts = ['sealToStable', 'sentToConfirmed'].map((part) => ({
      name: `${part} p50 of the sender`,
      value: rounded((latencies[part]?.p50Us ?? 0) / 1000),
      unit: 'ms',
    }));
    const ms = (percent: number) => rounded(tookUs.percentile(percent) / 1000);
    return {
      figures: [
        { name: 'p50', value: ms(50), unit: 'ms', goal: { atMost: 0.8 } },
        { name: 'p99', value: ms(99), unit: 'ms' },
        ...parts,
        { name: 'one blocking commit p50', value: rounded(commitUs.percentile(50) / 1000), unit: 'ms' },
      ],
      ratios: [
        {
          name: 'p50',
          value: rounded(tookUs.percentile(50) / (2 * commitUs.percentile(50))),
          against: 'two blocking LMDB commits',
        },
      ],
    };
  });
}

export const directCases: readonly BenchmarkCase[] = [
  {
    name: 'direct/saturated',
    title: 'engine to engine over bus-direct between two processes, Guaranteed, journaled and synced at both ends',
    durability: 'disk',
    run: saturated,
  },
  {
    name: 'direct/one-in-flight',
    title: 'the same, one at a time: from the send to the confirmation, synced at the sender and at the receiver',
    durability: 'disk',
    run: oneInFlight,
  },
];
