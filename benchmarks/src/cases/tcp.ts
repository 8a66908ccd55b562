import { join } from 'node:path';
import { DirectProvider } from '@aep/bus-direct';
import { SystemClock } from '@aep/kernel';
import { BareClient } from '../bare-client.js';
import type { BenchmarkCase, CaseContext, CaseResult } from '../case.js';
import { directOrders } from '../direct-orders.js';
import { median, rounded } from '../micro.js';
import { OrderSource } from '../order-source.js';
import { encodedOrders } from '../orders.js';
import { freePort, startProcess } from '../processes/child.js';

const ROUNDS = 5;
const ROUND_MS = 1_500;
const WARM_UP_MS = 3_000;

/** The same orders from this process to an engine and to a bare loop in another, in turns; only one of them is at work. */
async function tcpRate(context: CaseContext, inFlightMax: number): Promise<CaseResult> {
  const orders = encodedOrders(20_000);
  const [enginePort, barePort] = [await freePort(), await freePort()];
  const engine = await startProcess('engine-process', {
    args: [join(context.directory, 'engine'), String(enginePort)],
  });
  const bare = await startProcess('bare-process', { args: [join(context.directory, 'bare'), String(barePort)] });
  const source = new OrderSource(new DirectProvider(), directOrders(enginePort), new SystemClock(), inFlightMax);
  await source.open();
  const client = await BareClient.open(barePort, inFlightMax);
  await client.measureFor(orders, WARM_UP_MS * context.scale);
  await source.measureFor(orders, WARM_UP_MS * context.scale);
  const rates = { engine: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    rates.bare.push(await client.measureFor(orders, ROUND_MS * context.scale));
    rates.engine.push(await source.measureFor(orders, ROUND_MS * context.scale));
  }
  client.close();
  await source.close();
  await engine.stop();
  await bare.stop();
  const ratio = median(rates.engine.map((rate, round) => rate / rates.bare[round]!));
  return {
    figures: [
      { name: 'engine', value: rounded(median(rates.engine)), unit: 'msg/s' },
      { name: 'bare loop', value: rounded(median(rates.bare)), unit: 'msg/s' },
    ],
    ratios: [{ name: 'throughput', value: rounded(ratio), against: 'bare loop over TCP', goal: { atLeast: 0.8 } }],
  };
}

export const tcpCases: readonly BenchmarkCase[] = [64, 256, 1_024].map((inFlightMax) => ({
  name: `tcp/${inFlightMax}`,
  title: `the reference case fed from another process over TCP with ${inFlightMax.toLocaleString('en-US')} in flight; against a bare loop behind a socket`,
  durability: 'disk',
  run: (context) => tcpRate(context, inFlightMax),
}));
