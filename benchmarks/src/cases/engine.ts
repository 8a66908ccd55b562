import { join } from 'node:path';
import { type BusDescription, LoopbackProvider } from '@aep/bus';
import { createEngine, defineApp } from '@aep/engine';
import { SystemClock } from '@aep/kernel';
import { openLmdbStore } from '@aep/store-lmdb';
import { runBareLoop } from '../bare-loop.js';
import type { BenchmarkCase, CaseContext, CaseResult } from '../case.js';
import { Execution, Order, Positions, TradeFactory } from '../gen/trade.js';
import { rounded } from '../micro.js';
import { OrderSource } from '../order-source.js';
import { encodedOrders, readAll } from '../orders.js';

const BATCH = 4096;
const WARM_UP = 100_000;

const bus: BusDescription = {
  name: 'bench',
  provider: 'loopback',
  address: 'bench',
  port: 0,
  properties: {},
  channels: [
    { name: 'orders', id: 1, qos: 'Guaranteed', properties: {} },
    { name: 'executions', id: 2, qos: 'Guaranteed', properties: {} },
  ],
  roster: [],
};

const trading = defineApp({ name: 'trading', state: Positions, factories: [TradeFactory] }).on(
  Order,
  (order, { state, send }) => {
    readAll(order);
    const position = state.positions.getOrCreate(order.account);
    position.quantity += order.quantity;
    position.value += order.price * order.quantity;
    position.lastSequence = order.sequence;
    const execution = Execution.create();
    execution.orderId = order.orderId;
    execution.region = order.region;
    execution.department = order.department;
    execution.quantity = order.quantity;
    execution.price = order.price;
    execution.sequence = order.sequence;
    send('executions', execution);
  },
);

/** Orders per second through an engine with everything switched on: receive to acknowledge. */
async function saturate(
  context: CaseContext,
  durability: 'disk' | 'os',
  count: number,
  latencies = true,
): Promise<number> {
  const clock = new SystemClock();
  const provider = new LoopbackProvider();
  const engine = createEngine({
    app: trading,
    clock,
    latencies,
    store: () =>
      openLmdbStore({
        path: join(context.directory, `engine-${durability}-${latencies}`),
        engineName: 'trading',
        durability,
        clock,
      }),
    buses: [
      {
        description: bus,
        provider,
        channels: [
          { name: 'orders', join: true },
          { name: 'executions', key: 'Executions/${region}/${department}' },
        ],
      },
    ],
  });
  await engine.start();
  const source = new OrderSource(provider, bus, clock, 32_768);
  await source.open();
  const orders = encodedOrders(Math.min(count, 500_000));
  await source.send(orders, Math.min(WARM_UP, count));
  const startedMs = performance.now();
  await source.send(orders, count);
  const perSecond = (count / (performance.now() - startedMs)) * 1000;
  await engine.stop();
  return perSecond;
}

async function againstBareLoop(context: CaseContext): Promise<CaseResult> {
  const count = Math.round(1_000_000 * context.scale);
  const bare = await runBareLoop(join(context.directory, 'bare'), encodedOrders(count), BATCH);
  const engine = await saturate(context, 'disk', count);
  return {
    figures: [
      { name: 'engine', value: rounded(engine), unit: 'msg/s' },
      { name: 'bare loop', value: rounded(bare), unit: 'msg/s' },
    ],
    ratios: [{ name: 'throughput', value: rounded(engine / bare), against: `bare loop at batches of ${BATCH}` }],
  };
}

export const engineCases: readonly BenchmarkCase[] = [
  {
    name: 'engine/saturated',
    title:
      'reference case: 12 fields read, one of 100,000 entities updated, one message sent, dedupe, checkpoints; against the bare loop',
    durability: 'disk',
    run: againstBareLoop,
  },
  {
    name: 'engine/statistics',
    title: 'reference case with latency histograms on, against off',
    durability: 'os',
    run: async (context) => {
      const count = Math.round(500_000 * context.scale);
      const off = await saturate(context, 'os', count, false);
      const on = await saturate(context, 'os', count, true);
      return {
        figures: [
          { name: 'on', value: rounded(on), unit: 'msg/s' },
          { name: 'off', value: rounded(off), unit: 'msg/s' },
        ],
        ratios: [{ name: 'throughput', value: rounded(on / off), against: 'histograms off' }],
      };
    },
  },
];
