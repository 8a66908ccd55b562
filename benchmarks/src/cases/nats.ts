import { BrokerProcess, natsServer } from '@aep/brokers';
import type { BusDescription } from '@aep/bus';
import { NatsProvider } from '@aep/bus-nats';
import { type BenchmarkCase, type CaseContext, type CaseResult, scaled } from '../case.js';
import { EnginePair } from '../engine-pair.js';
import { rounded } from '../micro.js';
import { NatsLoop } from '../nats-loop.js';
import { oneInFlight } from '../one-in-flight.js';
import { encodedOrders } from '../orders.js';

const ROUNDS = 5;
const SYNC_NOTE =
  'NATS 2.9 answers a publish when the operating system has the message and syncs every 60 seconds; the engines sync before they send';

interface Contest {
  readonly pair: EnginePair;
  /** The client's JetStream API. */
  readonly client: NatsLoop;
  /** The client with plain publishes. */
  readonly plain: NatsLoop;
}

async function withBroker(
  context: CaseContext,
  measure: (contest: Contest) => Promise<CaseResult>,
): Promise<CaseResult> {
  const kind = natsServer();
  const missing = kind.missing();
  if (missing !== undefined) return { figures: [], ratios: [], didNotRun: missing };
  const broker = await (await BrokerProcess.create(kind)).start();
  const { port } = broker;
  const { directory } = context;
  const pair = await EnginePair.start({ directory, provider: new NatsProvider(), description: orders(port) });
  const client = await NatsLoop.open(port, 'jetstream');
  const plain = await NatsLoop.open(port, 'plain');
  try {
    return await measure({ pair, client, plain });
  } finally {
    await pair.stop();
    await client.close();
    await plain.close();
    await broker.dispose();
  }
}

function orders(port: number): BusDescription {
  return {
    name: 'bench',
    provider: 'nats',
    address: '127.0.0.1',
    port,
    properties: {},
    channels: [{ name: 'orders', id: 1, qos: 'Guaranteed', properties: {} }],
    roster: [{ app: 'taker', channel: 'orders', patterns: ['**'] }],
  };
}

function saturated(context: CaseContext): Promise<CaseResult> {
  return withBroker(context, async ({ pair, client, plain }) => {
    const bodies = encodedOrders(20_000);
    const count = scaled(context, 20_000);
    const runs = {
      pair: () => pair.saturate(count),
      client: () => client.saturate(bodies, count),
      plain: () => plain.saturate(bodies, count),
    };
    const rates: Record<keyof typeof runs, number>[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const rate = { pair: 0, client: 0, plain: 0 };
      const names = Object.keys(runs) as (keyof typeof runs)[];
      for (const name of round % 2 === 0 ? names : names.toReversed()) rate[name] = await runs[name]();
      // The first round only warms up.
      if (round > 0) rates.push(rate);
    }
    const figure = (name: string, key: keyof typeof runs) => ({
      name,
      value: rounded(median(rates.map((rate) => rate[key]))),
      unit: 'msg/s',
    });
    const ratio = (key: keyof typeof runs) => rounded(median(rates.map((rate) => rate.pair / rate[key])));
    return {
      figures: [
        figure('engine to engine', 'pair'),
        figure('client alone', 'client'),
        figure('client alone, plain publishes', 'plain'),
      ],
      ratios: [
        {
          name: 'throughput',
          value: ratio('client'),
          against: "the NATS client's JetStream API alone, same server, in turns",
          goal: { atLeast: 0.8 },
        },
        {
          name: 'throughput',
          value: ratio('plain'),
          against: 'the same client with plain publishes and one subscription for all answers',
        },
      ],
      notes: [SYNC_NOTE],
    };
  });
}

function oneAtATime(context: CaseContext): Promise<CaseResult> {
  return withBroker(context, async ({ pair, plain }) => {
    const result = await oneInFlight(context, pair, plain, encodedOrders(1)[0]!);
    return { ...result, notes: [SYNC_NOTE] };
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

export const natsCases: readonly BenchmarkCase[] = [
  {
    name: 'nats/saturated',
    title:
      'engine to engine through NATS JetStream, Guaranteed, journaled and synced at both ends; against the NATS client alone',
    durability: 'disk',
    run: saturated,
  },
  {
    name: 'nats/one-in-flight',
    title: 'the same, one at a time: from the send to the handler on the other side, with one synced commit in between',
    durability: 'disk',
    run: oneAtATime,
  },
];
