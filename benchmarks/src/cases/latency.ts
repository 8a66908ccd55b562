import { join } from 'node:path';
import { Histogram, SystemClock } from '@aep/kernel';
import { BareLoop } from '../bare-loop.js';
import { type BenchmarkCase, type CaseContext, type CaseResult } from '../case.js';
import { rounded } from '../micro.js';
import { OrderSource } from '../order-source.js';
import { encodedOrders } from '../orders.js';
import { Schedule } from '../schedule.js';
import { startTrading, tradingBus } from '../trading.js';

const ROUNDS = 4;
const SECONDS_PER_ROUND = 2.5;
const WARM_UP = 50_000;
/** "Within 1.5 times the bare loop's p50 and p99." */
const GOAL = { atMost: 1.5 } as const;

/**
 * Engine and bare loop take turns in one process, so that both meet the same disk; the figures are over all rounds. A
 * latency begins when the message was due, not when the source got round to sending it.
 */
async function latencyAt(perSecond: number, context: CaseContext): Promise<CaseResult> {
  const orders = encodedOrders(Math.min(100_000, Math.max(1_000, WARM_UP * context.scale)));
  const ours = await engineUnderLoad(join(context.directory, 'engine'), orders);
  const bare = bareLoopUnderLoad(join(context.directory, 'bare'), orders);
  const engineUs = new Histogram();
  const bareUs = new Histogram();
  const count = Math.max(20, Math.round(perSecond * SECONDS_PER_ROUND * context.scale));
  await ours.warmUp(Math.ceil(WARM_UP * context.scale));
  await bare.run(new Schedule(100_000, Math.ceil(WARM_UP * context.scale)), new Histogram());
  for (let round = 0; round < ROUNDS; round++) {
    await bare.run(new Schedule(perSecond, count), bareUs);
    await ours.run(new Schedule(perSecond, count), engineUs);
  }
  await ours.close();
  await bare.close();
  return compared(engineUs, bareUs);
}

function compared(engineUs: Histogram, bareUs: Histogram): CaseResult {
  const of = (name: string, histogram: Histogram) =>
    [50, 99, 99.9].map((percent) => ({
      name: `${name} p${percent}`,
      value: rounded(histogram.percentile(percent) / 1000),
      unit: 'ms',
    }));
  const ratio = (percent: number) => ({
    name: `p${percent}`,
    value: rounded(engineUs.percentile(percent) / bareUs.percentile(percent)),
    against: 'bare loop',
    goal: GOAL,
  });
  return { figures: [...of('engine', engineUs), ...of('bare loop', bareUs)], ratios: [ratio(50), ratio(99)] };
}

async function engineUnderLoad(path: string, orders: readonly Uint8Array[]) {
  const { engine, provider } = await startTrading({ path });
  const source = new OrderSource(provider, tradingBus, new SystemClock(), 65_536);
  await source.open();
  return {
    warmUp: (count: number) => source.send(orders, count),
    run: (schedule: Schedule, latenciesUs: Histogram) => source.sendOnSchedule(orders, schedule, latenciesUs),
    close: () => engine.stop(),
  };
}

function bareLoopUnderLoad(directory: string, orders: readonly Uint8Array[]) {
  let onAcknowledged: (count: number) => void = () => undefined;
  const loop = new BareLoop(directory, (count) => onAcknowledged(count));
  const run = (schedule: Schedule, latenciesUs: Histogram): Promise<void> =>
    new Promise((resolve) => {
      let taken = 0;
      let acknowledged = 0;
      onAcknowledged = (count) => {
        const nowMs = performance.now();
        for (const end = acknowledged + count; acknowledged < end; acknowledged++)
          latenciesUs.record((nowMs - schedule.dueAtMs(acknowledged)) * 1000);
        if (acknowledged === schedule.count) resolve();
      };
      const turn = (): void => {
        for (const due = schedule.dueNow(); taken < due; taken++) loop.take(orders[taken % orders.length]!);
        loop.flush();
        if (taken < schedule.count) setImmediate(turn);
      };
      schedule.start();
      turn();
    });
  return { run, close: () => loop.close() };
}

export const latencyCases: readonly BenchmarkCase[] = [1_000, 10_000, 100_000].map((perSecond) => ({
  name: `latency/${perSecond}`,
  title: `receive to acknowledge at ${perSecond.toLocaleString('en-US')} msg/s, from the time each message was due; against the bare loop`,
  durability: 'disk',
  run: (context) => latencyAt(perSecond, context),
}));
