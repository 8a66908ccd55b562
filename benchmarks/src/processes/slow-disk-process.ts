import { join } from 'node:path';
import process from 'node:process';
import { Histogram, SystemClock } from '@aep/kernel';
import { LoopTurns } from '../loop-turns.js';
import { OrderSource } from '../order-source.js';
import { encodedOrders } from '../orders.js';
import { Schedule } from '../schedule.js';
import { type FlushCounts, readFlushCounts } from '../slow-flush.js';
import { startTrading, tradingBus } from '../trading.js';
import { readyUntil } from './child.js';

/** The reference case at fixed rates where flushes are slow: `slow-disk-process.js DIRECTORY COUNTS SECONDS`. */
const [directory = '', countsPath = '', seconds = ''] = process.argv.slice(2);

/** What one rate came to. */
export interface SlowDiskFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly turnMaxMs: number;
  readonly flushes: FlushCounts;
}

const { engine, provider } = await startTrading({ path: join(directory, 'engine') });
const orders = encodedOrders(100_000);
const source = new OrderSource(provider, tradingBus, new SystemClock(), 65_536);
await source.open();
await atRate(20_000, Number(seconds) / 2);
const busy = await atRate(50_000, Number(seconds));
const quiet = await atRate(100, Number(seconds) / 2);
readyUntil({ busy, quiet }, () => engine.stop());

async function atRate(perSecond: number, forSeconds: number): Promise<SlowDiskFigures> {
  const schedule = new Schedule(perSecond, Math.max(1, Math.round(perSecond * forSeconds)));
  const latenciesUs = new Histogram();
  const before = readFlushCounts(countsPath);
  const turns = new LoopTurns().start();
  const startedMs = performance.now();
  await source.sendOnSchedule(orders, schedule, latenciesUs);
  const tookMs = performance.now() - startedMs;
  turns.stop();
  const after = readFlushCounts(countsPath);
  return {
    perSecond: (schedule.count / tookMs) * 1000,
    p50Ms: latenciesUs.percentile(50) / 1000,
    p99Ms: latenciesUs.percentile(99) / 1000,
    turnMaxMs: turns.longestMs,
    flushes: { all: after.all - before.all, onEventLoop: after.onEventLoop - before.onEventLoop },
  };
}
