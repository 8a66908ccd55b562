import { activeMqBroker, BrokerProcess } from '@aep/brokers';
import type { BusDescription } from '@aep/bus';
import { ActiveMqProvider } from '@aep/bus-activemq';
import { type BenchmarkCase, type CaseContext, type CaseResult, scaled } from '../case.js';
import { EnginePair } from '../engine-pair.js';
import { rounded } from '../micro.js';
import { oneInFlight } from '../one-in-flight.js';
import { encodedOrders } from '../orders.js';
import { StompLoop } from '../stomp-loop.js';

const ROUNDS = 5;
const WARM_UP_ROUNDS = 3;

type Measure = (pair: EnginePair, bare: StompLoop) => Promise<CaseResult>;

async function withBroker(context: CaseContext, measure: Measure): Promise<CaseResult> {
  const kind = activeMqBroker();
  const missing = kind.missing();
  if (missing !== undefined) return { figures: [], ratios: [], didNotRun: missing };
  const broker = await (await BrokerProcess.create(kind)).start();
  const { directory } = context;
  const pair = await EnginePair.start({
    directory,
    provider: new ActiveMqProvider(),
    description: orders(broker.port),
  });
  const bare = await StompLoop.open(broker.port, 'bare.orders');
  try {
    return await measure(pair, bare);
  } finally {
    await pair.stop();
    bare.close();
    await broker.dispose();
  }
}

function orders(port: number): BusDescription {
  return {
    name: 'bench',
    provider: 'activemq',
    address: '127.0.0.1',
    port,
    properties: {},
    channels: [{ name: 'orders', id: 1, qos: 'Guaranteed', properties: {} }],
    roster: [{ app: 'taker', channel: 'orders', patterns: ['**'] }],
  };
}

function saturated(context: CaseContext): Promise<CaseResult> {
  return withBroker(context, async (pair, bare) => {
    const bodies = encodedOrders(20_000);
    const count = scaled(context, 20_000);
    // The broker's code gets hot, too, and that takes a Java machine a while.
    for (let round = 0; round < WARM_UP_ROUNDS; round++) {
      await bare.saturate(bodies, count);
      await pair.saturate(count);
    }
    const rates: { pair: number; bare: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const first = round % 2 === 0 ? await pair.saturate(count) : undefined;
      const alone = await bare.saturate(bodies, count);
      rates.push({ pair: first ?? (await pair.saturate(count)), bare: alone });
    }
    return {
      figures: [
        { name: 'engine to engine', value: rounded(median(rates.map((rate) => rate.pair))), unit: 'msg/s' },
        { name: 'client alone', value: rounded(median(rates.map((rate) => rate.bare))), unit: 'msg/s' },
      ],
      ratios: [
        {
          name: 'throughput',
          value: rounded(median(rates.map((rate) => rate.pair / rate.bare))),
          against: 'the STOMP client alone, same broker, in turns',
          goal: { atLeast: 0.8 },
        },
      ],
      notes: ['ActiveMQ syncs each transaction; it and both engines share the cores of this machine'],
    };
  });
}

function oneAtATime(context: CaseContext): Promise<CaseResult> {
  return withBroker(context, (pair, bare) => oneInFlight(context, pair, bare, encodedOrders(1)[0]!));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

export const activeMqCases: readonly BenchmarkCase[] = [
  {
    name: 'activemq/saturated',
    title:
      'engine to engine through ActiveMQ, Guaranteed, journaled and synced at both ends; against the STOMP client alone',
    durability: 'disk',
    run: saturated,
  },
  {
    name: 'activemq/one-in-flight',
    title: 'the same, one at a time: from the send to the handler on the other side, with one synced commit in between',
    durability: 'disk',
    run: oneAtATime,
  },
];
