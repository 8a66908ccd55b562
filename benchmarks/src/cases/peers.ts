import { join } from 'node:path';
import { type BenchmarkCase, type CaseContext, type CaseResult, scaled } from '../case.js';
import { rounded } from '../micro.js';
import { bullMq } from '../peers/bullmq.js';
import { nats } from '../peers/nats.js';
import type { Peer } from '../peers/peer.js';
import { redisStreams } from '../peers/redis-streams.js';
import { sqlite } from '../peers/sqlite.js';
import { saturate } from '../saturate.js';

/** "At least 3 times the best that syncs." */
const GOAL = { atLeast: 3 } as const;

/** The engine before and after the peer: what changed meanwhile does not favour one of them. */
async function compare(peer: Peer, context: CaseContext): Promise<CaseResult> {
  const count = scaled(context, 300_000);
  const before = await saturate(join(context.directory, 'before'), count);
  const rates = await peer.run(context);
  if (typeof rates === 'string') return { figures: [], ratios: [], didNotRun: rates };
  const after = await saturate(join(context.directory, 'after'), count);
  const engine = (before + after) / 2;
  return {
    figures: [
      { name: 'engine, synced', value: rounded(engine), unit: 'msg/s' },
      ...rates.map(({ name, value, unit, isSynced }) => ({
        name: `${name}${isSynced ? ', synced' : ', NOT synced'}`,
        value: rounded(value),
        unit,
      })),
    ],
    ratios: rates.map(({ name, value, isSynced }) => ({
      name: 'throughput',
      value: rounded(engine / value),
      against: `${name}${isSynced ? '' : ' (which syncs nothing)'}`,
      ...(isSynced ? { goal: GOAL } : {}),
    })),
    notes: [peer.says],
  };
}

const peers: readonly (readonly [string, Peer])[] = [
  ['sqlite', sqlite],
  ['redis-streams', redisStreams],
  ['bullmq', bullMq],
  ['nats', nats],
];

export const peerCases: readonly BenchmarkCase[] = peers.map(([name, peer]) => ({
  name: `peers/${name}`,
  title: `the job of the reference case, saturated, against ${peer.name}`,
  durability: 'disk',
  run: (context) => compare(peer, context),
}));
