import { join } from 'node:path';
import { runBareLoop } from '../bare-loop.js';
import { type BenchmarkCase, type CaseContext, type CaseResult, scaled } from '../case.js';
import type { Position } from '../gen/trade.js';
import { median, rounded } from '../micro.js';
import { encodedOrders } from '../orders.js';
import { startLoaded } from '../saturate.js';

const BATCH = 4096;
const ROUNDS = 3;
const WARM_UP = 100_000;

/** In turns, so that both meet the same disk; the ratio is the median of the rounds'. */
async function againstBareLoop(context: CaseContext): Promise<CaseResult> {
  const count = scaled(context, 500_000);
  const orders = encodedOrders(count);
  const { engine, source } = await startLoaded({ path: join(context.directory, 'engine') });
  await source.send(orders, Math.min(WARM_UP, count));
  const positions = new Map<string, Position>();
  await runBareLoop(join(context.directory, 'bare'), orders.slice(0, WARM_UP), BATCH, positions);
  const rates = { engine: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    rates.bare.push(await runBareLoop(join(context.directory, `bare-${round}`), orders, BATCH, positions));
    rates.engine.push(await source.measure(orders, count));
  }
  await engine.stop();
  const ratio = median(rates.engine.map((rate, round) => rate / rates.bare[round]!));
  return {
    figures: [
      { name: 'engine', value: rounded(median(rates.engine)), unit: 'msg/s', goal: { atLeast: 500_000 } },
      { name: 'bare loop', value: rounded(median(rates.bare)), unit: 'msg/s' },
    ],
    ratios: [
      {
        name: 'throughput',
        value: rounded(ratio),
        against: `bare loop at batches of ${BATCH.toLocaleString('en-US')}`,
        goal: { atLeast: 0.5 },
      },
    ],
  };
}

const PAIRS = 15;

/**
 * Both engines run from the start and take turns, each pair in the other order than the one before: what drifts, drifts
 * for both, and the median of the pairs' ratios leaves out where something else had the machine.
 */
async function statisticsCost(context: CaseContext): Promise<CaseResult> {
  const count = scaled(context, 60_000);
  const orders = encodedOrders(Math.min(count, 60_000));
  const durability = 'os';
  const on = await startLoaded({ path: join(context.directory, 'on'), durability, latencies: true });
  const off = await startLoaded({ path: join(context.directory, 'off'), durability, latencies: false });
  for (const { source } of [on, off]) await source.send(orders, count * 2);
  const rates = { on: [] as number[], off: [] as number[] };
  for (let pair = 0; pair < PAIRS; pair++) {
    if (pair % 2 === 0) rates.on.push(await on.source.measure(orders, count));
    rates.off.push(await off.source.measure(orders, count));
    if (pair % 2 === 1) rates.on.push(await on.source.measure(orders, count));
  }
  await on.engine.stop();
  await off.engine.stop();
  const cost = median(rates.off.map((rate, pair) => (1 - rates.on[pair]! / rate) * 100));
  return {
    figures: [
      { name: 'on', value: rounded(median(rates.on)), unit: 'msg/s' },
      { name: 'off', value: rounded(median(rates.off)), unit: 'msg/s' },
      { name: `cost (median of ${PAIRS} pairs)`, value: Number(cost.toFixed(1)), unit: '%', goal: { atMost: 3 } },
    ],
    ratios: [],
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
    title: 'reference case with latency histograms on, against off, in turns',
    durability: 'os',
    run: statisticsCost,
  },
];
