import { join } from 'node:path';
import { Histogram } from '@aep/kernel';
import { type BenchmarkCase, type CaseContext, type CaseResult, scaled } from '../case.js';
import { commitTimesUs } from '../commit-times.js';
import { HeapPeak } from '../heap-peak.js';
import { median, rounded } from '../micro.js';
import type { OrderSource } from '../order-source.js';
import { encodedOrders } from '../orders.js';
import { type ProcessorTime, TradingPair } from '../pair.js';
import { startLoaded } from '../saturate.js';
import { Schedule } from '../schedule.js';

const ROUNDS = 5;
const WARM_UP = 100_000;
const IN_FLIGHT = 32_768;

/** A pair and an engine alone, which take turns; when the engine alone runs, the backup has folded everything and rests. */
async function saturated(context: CaseContext): Promise<CaseResult> {
  const count = scaled(context, 400_000);
  const orders = encodedOrders(count);
  const alone = await startLoaded({ path: join(context.directory, 'alone') });
  const pair = await TradingPair.startBoth(join(context.directory, 'pair'));
  const paired = await pair.source(IN_FLIGHT);
  for (const source of [alone.source, paired]) await source.send(orders, Math.min(WARM_UP, count));
  await pair.untilBackupRests();
  const rates = { alone: [] as number[], paired: [] as number[] };
  const spent = { aloneUs: 0, primaryUs: 0, backupUs: 0 };
  let lag = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const before = await pair.processorTime();
    rates.alone.push(await alone.source.measure(orders, count));
    const between = await pair.processorTime();
    rates.paired.push(await paired.measure(orders, count));
    lag = Math.max(lag, await pair.backupLag());
    await pair.untilBackupRests();
    const after = await pair.processorTime();
    spent.aloneUs += spentBetween(before, between).primaryUs;
    spent.primaryUs += spentBetween(between, after).primaryUs;
    spent.backupUs += spentBetween(between, after).backupUs;
  }
  await pair.stop();
  await alone.engine.stop();
  const perOrder = (name: string, us: number) => ({
    name: `${name}, processor time an order`,
    value: rounded(us / (count * ROUNDS)),
    unit: 'µs',
  });
  return {
    figures: [
      { name: 'pair', value: rounded(median(rates.paired)), unit: 'msg/s' },
      { name: 'engine alone', value: rounded(median(rates.alone)), unit: 'msg/s' },
      perOrder('engine alone', spent.aloneUs),
      perOrder('primary', spent.primaryUs),
      perOrder('backup', spent.backupUs),
      { name: "backup's tables behind at the end, at most", value: lag, unit: 'records' },
    ],
    ratios: [
      {
        name: 'throughput',
        value: rounded(median(rates.paired.map((rate, round) => rate / rates.alone[round]!))),
        against: 'engine alone',
        goal: { atLeast: 0.6 },
      },
    ],
  };
}

function spentBetween(before: ProcessorTime, after: ProcessorTime): ProcessorTime {
  return { primaryUs: after.primaryUs - before.primaryUs, backupUs: after.backupUs - before.backupUs };
}

/** The next order leaves when the one before it is acknowledged. */
async function oneInFlight(context: CaseContext): Promise<CaseResult> {
  const count = scaled(context, 8_000);
  const orders = encodedOrders(1_000);
  const pair = await TradingPair.startBoth(join(context.directory, 'pair'));
  const source = await pair.source(1);
  const tookUs = new Histogram();
  const commitUs = new Histogram();
  const one = async (): Promise<void> => {
    const startedMs = performance.now();
    await source.send(orders, 1);
    tookUs.record((performance.now() - startedMs) * 1000);
  };
  for (let left = count; left > 0; left--) await one();
  tookUs.reset();
  for (let round = 0; round < ROUNDS; round++) {
    for (let left = Math.ceil(count / ROUNDS); left > 0; left--) await one();
    await commitTimesUs(join(context.directory, `commit-${round}`), Math.ceil(count / ROUNDS), commitUs);
  }
  await pair.stop();
  const ms = (percent: number) => rounded(tookUs.percentile(percent) / 1000);
  return {
    figures: [
      { name: 'events', value: rounded(1e6 / tookUs.mean), unit: '1/s', goal: { atLeast: 2_000 } },
      { name: 'p50', value: ms(50), unit: 'ms', goal: { atMost: 0.6 } },
      { name: 'p99', value: ms(99), unit: 'ms' },
      { name: 'one blocking commit p50', value: rounded(commitUs.percentile(50) / 1000), unit: 'ms' },
    ],
    ratios: [
      {
        name: 'p50',
        value: rounded(tookUs.percentile(50) / commitUs.percentile(50)),
        against: 'one blocking LMDB commit',
      },
      { name: 'time', value: rounded(tookUs.mean / commitUs.mean), against: 'one blocking LMDB commit' },
    ],
  };
}

const JOIN_ROUNDS = 3;
/** Modest: a twentieth of what an engine takes. */
const STEADY_PER_SECOND = 2_000;

/** Where a latency goes is decided by when its order was due: before, or while the backup was joining. */
class JoinLatencies {
  readonly beforeUs = new Histogram();
  readonly duringUs = new Histogram();

  constructor(private readonly pair: TradingPair) {}

  record(latencyUs: number): void {
    const dueMs = performance.now() - latencyUs / 1000;
    const { joinBeganMs = Infinity, joinEndedMs = Infinity } = this.pair;
    if (dueMs < joinBeganMs) this.beforeUs.record(latencyUs);
    else if (dueMs < joinEndedMs) this.duringUs.record(latencyUs);
  }
}

async function catchUp(context: CaseContext): Promise<CaseResult> {
  const missed = scaled(context, 300_000);
  const orders = encodedOrders(missed);
  const pair = await TradingPair.startBoth(join(context.directory, 'pair'));
  const source = await pair.source(IN_FLIGHT);
  await source.send(orders, Math.min(WARM_UP, missed));
  const rates: number[] = [];
  const spent = { primaryUs: 0, backupUs: 0 };
  for (let round = 0; round < JOIN_ROUNDS; round++) {
    await pair.stopBackup();
    await source.send(orders, missed);
    await pair.bootBackup();
    const before = await pair.processorTime();
    const { records, beganMs, endedMs } = await pair.join();
    const after = await pair.processorTime();
    spent.primaryUs += spentBetween(before, after).primaryUs / records;
    spent.backupUs += spentBetween(before, after).backupUs / records;
    rates.push((records / (endedMs - beganMs)) * 1000);
  }
  const latencies = await whileItJoins(context, pair, source);
  await pair.stop();
  const ms = (histogram: Histogram) => rounded(histogram.percentile(99) / 1000);
  return {
    figures: [
      { name: 'from the journal', value: rounded(median(rates)), unit: 'records/s', goal: { atLeast: 100_000 } },
      { name: 'primary, processor time a record', value: rounded(spent.primaryUs / JOIN_ROUNDS), unit: 'µs' },
      { name: 'backup, processor time a record', value: rounded(spent.backupUs / JOIN_ROUNDS), unit: 'µs' },
      { name: `p99 of the primary alone at ${STEADY_PER_SECOND} msg/s`, value: ms(latencies.beforeUs), unit: 'ms' },
      { name: 'p99 while a backup without a store joins', value: ms(latencies.duringUs), unit: 'ms' },
    ],
    ratios: [
      {
        name: 'p99 while it joins',
        value: rounded(latencies.duringUs.percentile(99) / Math.max(1, latencies.beforeUs.percentile(99))),
        against: 'before',
        goal: { atMost: 1.5 },
      },
    ],
  };
}

/** A backup whose disk is empty: it gets a copy of the state, then all records that the primary keeps. */
async function whileItJoins(context: CaseContext, pair: TradingPair, source: OrderSource): Promise<JoinLatencies> {
  const latencies = new JoinLatencies(pair);
  const orders = encodedOrders(10_000);
  const count = Math.max(100, scaled(context, STEADY_PER_SECOND * 3));
  // A source that spins would have one of two cores, and the backup with the primary's own threads the other.
  const atRate = () => source.sendOnSchedule(orders, new Schedule(STEADY_PER_SECOND, count), latencies, 'rest');
  for (let round = 0; round < JOIN_ROUNDS; round++) {
    await pair.stopBackup();
    pair.forgetBackup();
    await pair.bootBackup();
    await atRate();
    const joined = pair.join();
    do await atRate();
    while (pair.joinEndedMs === undefined);
    await joined;
  }
  return latencies;
}

/** What a backup does while the primary's memory is looked at. */
type Behaviour = 'fast' | 'slow' | 'stopped' | 'returning' | 'absent';

const PHASE_MS = 8_000;
/** Long enough for the primary to find out that its backup is silent. */
const PHASE_MS_MIN = 2_000;
/** A slow backup works a fifth of the time; the pauses are short enough for it to stay a member. */
const SLOW = { pausedMs: 200, workingMs: 50 };

async function memory(context: CaseContext): Promise<CaseResult> {
  const durationMs = Math.max(PHASE_MS_MIN, PHASE_MS * context.scale);
  const orders = encodedOrders(scaled(context, 100_000));
  const pair = await TradingPair.startBoth(join(context.directory, 'pair'));
  const source = await pair.source(IN_FLIGHT);
  // The heap grows to what the load needs before anything is compared with it.
  await source.measureFor(orders, durationMs);
  const phases: { readonly behaviour: Behaviour; readonly heap: Heap; readonly perSecond: number }[] = [];
  const look = async (behaviour: Behaviour): Promise<void> => {
    const heapPeak = new HeapPeak();
    const perSecond = await source.measureFor(orders, durationMs);
    phases.push({ behaviour, heap: heapPeak.end(), perSecond });
  };
  await look('fast');
  const endSlowness = pair.slowBackup(SLOW);
  await look('slow');
  await endSlowness();
  pair.pauseBackup();
  await look('stopped');
  pair.resumeBackup();
  await look('returning');
  await pair.untilPaired();
  await pair.stopBackup();
  await look('absent');
  await pair.stop();
  const fast = phases[0]!.heap;
  const most = Math.max(...phases.map(({ heap }) => heap.peak));
  return {
    figures: phases.flatMap(({ behaviour, heap, perSecond }) => [
      {
        name: `backup ${behaviour}: heap and buffers, peak`,
        value: rounded(heap.peak),
        unit: 'MiB',
        goal: { atMost: 256 },
      },
      { name: `backup ${behaviour}`, value: rounded(perSecond), unit: 'msg/s' },
    ]),
    ratios: [
      {
        name: 'highest peak',
        value: rounded(most / fast.peak),
        against: 'peak with a fast backup',
        goal: { atMost: 1.5 },
      },
      ...phases.slice(1).map(({ behaviour, heap }) => ({
        name: `backup ${behaviour}: peak of the last third`,
        value: rounded(heap.lastThird / heap.middleThird),
        against: 'peak of the middle third',
        goal: { atMost: 1.5 },
      })),
    ],
  };
}

type Heap = ReturnType<HeapPeak['end']>;

export const pairCases: readonly BenchmarkCase[] = [
  {
    name: 'pair/saturated',
    title:
      'the reference case as a pair, journaled and synced at both members before anything is released; against an engine alone',
    durability: 'disk',
    run: saturated,
  },
  {
    name: 'pair/one-in-flight',
    title: 'the same, the next order when the one before it is acknowledged; against a blocking LMDB commit',
    durability: 'disk',
    run: oneInFlight,
  },
  {
    name: 'pair/catch-up',
    title: `records with which an absent backup catches up; and the p99 of the primary at ${STEADY_PER_SECOND} msg/s while one with an empty disk joins, against before`,
    durability: 'disk',
    run: catchUp,
  },
  {
    name: 'pair/memory',
    title:
      'heap and buffers of a saturated primary while its backup is slow, stopped (SIGSTOP), catching up and absent',
    durability: 'disk',
    run: memory,
  },
];
