import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SystemClock } from '@aep/kernel';
import { type BenchmarkCase, type CaseContext, type CaseResult, scaled } from '../case.js';
import { rounded } from '../micro.js';
import { OrderSource } from '../order-source.js';
import { encodedOrders } from '../orders.js';
import { startProcess } from '../processes/child.js';
import type { RecoveryFigures } from '../processes/recovery-process.js';
import type { StateFigures } from '../processes/state-process.js';
import { startTrading, tradingBus } from '../trading.js';

/** Heap of the process that starts or holds a large state. */
const HEAP_MIB = 256;
const HEAP_LIMIT = [`--max-old-space-size=${HEAP_MIB}`];

/**
 * An engine writes a journal; then the tables are put back to what they were before the first record, as if it had died
 * before any checkpoint. What is timed is the start of an engine on that, all of it.
 */
async function recoverJournal(context: CaseContext): Promise<CaseResult> {
  const records = scaled(context, 1_000_000);
  const path = join(context.directory, 'engine');
  const empty = join(context.directory, 'state-before');
  await (await startTrading({ path })).engine.stop();
  cpSync(join(path, 'state'), empty, { recursive: true });
  // Not synced while it is filled: only what is then read counts.
  const { engine, provider } = await startTrading({
    path,
    durability: 'os',
    limits: { journalRetentionRecords: records * 2 },
  });
  const source = new OrderSource(provider, tradingBus, new SystemClock(), 32_768);
  await source.open();
  await source.send(encodedOrders(Math.min(records, 500_000)), records);
  await engine.stop();
  rmSync(join(path, 'state'), { recursive: true });
  cpSync(empty, join(path, 'state'), { recursive: true });
  const recovery = await startProcess<RecoveryFigures>('recovery-process', { args: [path], execArgv: HEAP_LIMIT });
  await recovery.stop();
  const { tookMs, stableTxId, heap } = recovery.ready;
  const seconds = tookMs / 1000;
  return {
    figures: [
      { name: 'records', value: stableTxId, unit: '' },
      { name: 'start', value: rounded(seconds), unit: 's', goal: { atMost: 5 } },
      { name: 'records per second', value: rounded(records / seconds), unit: '1/s' },
      { name: 'heap and buffers, peak', value: rounded(heap.peak), unit: 'MiB', goal: { atMost: HEAP_MIB } },
    ],
    ratios: [
      {
        name: 'peak of the last third',
        value: rounded(heap.lastThird / heap.middleThird),
        against: 'peak of the middle third',
        goal: { atMost: 1.5 },
      },
    ],
  };
}

const ENTITIES = 1_000_000;
const ENTITIES_FULL = 10_000_000;

async function largeState(context: CaseContext): Promise<CaseResult> {
  const entities = scaled(context, context.isFull ? ENTITIES_FULL : ENTITIES);
  const path = join(context.directory, 'wide');
  const run = async (mode: 'fill' | 'read', touched: number): Promise<StateFigures> => {
    const args = [path, mode, String(entities), String(touched)];
    const other = await startProcess<StateFigures>('state-process', { args, execArgv: HEAP_LIMIT });
    await other.stop();
    return other.ready;
  };
  const filled = await run('fill', entities);
  const read = await run('read', Math.ceil(entities / 5));
  return {
    figures: [
      { name: 'entities', value: entities, unit: '', goal: { atLeast: ENTITIES_FULL } },
      { name: 'filled', value: rounded(filled.perSecond), unit: 'entities/s' },
      { name: 'heap and buffers, peak', value: rounded(filled.heap.peak), unit: 'MiB' },
      { name: 'read at random after a restart', value: rounded(read.perSecond), unit: 'entities/s' },
      { name: 'heap and buffers, peak', value: rounded(read.heap.peak), unit: 'MiB' },
    ],
    ratios: [
      {
        name: 'filling the last tenth',
        value: rounded(filled.lastPerSecond / filled.firstPerSecond),
        against: 'filling the first tenth',
      },
    ],
    notes: [
      `both processes ran with ${HEAP_LIMIT[0]}; one that needs more ends`,
      ...(context.isFull ? [] : [`${ENTITIES_FULL.toLocaleString('en-US')} entities with --full`]),
    ],
  };
}

/** Records kept and the size of the journal's file while orders come as fast as the engine takes them. */
async function trimming(context: CaseContext): Promise<CaseResult> {
  const count = scaled(context, 2_000_000);
  const retained = scaled(context, 100_000);
  const { engine, provider } = await startTrading({
    path: join(context.directory, 'engine'),
    limits: { journalRetentionRecords: retained },
  });
  const source = new OrderSource(provider, tradingBus, new SystemClock(), 32_768);
  await source.open();
  const kept: number[] = [];
  const fileMiB: number[] = [];
  const look = setInterval(() => {
    const { lastTxId, store } = engine.statistics();
    kept.push(lastTxId - Number(store['firstTxId']) + 1);
    fileMiB.push(Number(store['journalFileBytes']) / 2 ** 20);
  }, 50);
  const perSecond = await source.measure(encodedOrders(Math.min(count, 500_000)), count);
  clearInterval(look);
  await engine.stop();
  const quarter = (values: readonly number[], from: number, to: number): number =>
    Math.max(1, ...values.slice(Math.floor(values.length * from), Math.ceil(values.length * to)));
  return {
    figures: [
      { name: 'engine', value: rounded(perSecond), unit: 'msg/s' },
      { name: 'retention', value: retained, unit: 'records' },
      { name: 'kept at most', value: rounded(quarter(kept, 0, 1)), unit: 'records' },
      { name: 'file at the end', value: rounded(fileMiB.at(-1) ?? 0), unit: 'MiB' },
    ],
    ratios: [
      {
        name: 'kept, last quarter',
        value: rounded(quarter(kept, 0.75, 1) / quarter(kept, 0.25, 0.5)),
        against: 'kept, second quarter',
        goal: { atMost: 1.25 },
      },
      {
        name: 'file, last quarter',
        value: rounded(quarter(fileMiB, 0.75, 1) / quarter(fileMiB, 0.25, 0.5)),
        against: 'file, second quarter',
        goal: { atMost: 1.25 },
      },
    ],
  };
}

export const recoveryCases: readonly BenchmarkCase[] = [
  {
    name: 'recovery/journal',
    title: 'start on 1,000,000 records of the reference case that no checkpoint has, with a heap of 256 MiB',
    durability: 'disk',
    run: recoverJournal,
  },
  {
    name: 'recovery/state',
    title:
      'fill a state with 1,000,000 entities (10,000,000 with --full) under a heap of 256 MiB, restart, read at random',
    durability: 'os',
    run: largeState,
  },
  {
    name: 'journal/trimming',
    title: 'the reference case saturated: does the journal stay as long as its retention says?',
    durability: 'disk',
    run: trimming,
  },
];
