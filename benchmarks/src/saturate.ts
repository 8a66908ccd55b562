import { SystemClock } from '@aep/kernel';
import { OrderSource } from './order-source.js';
import { encodedOrders } from './orders.js';
import { startTrading, tradingBus, type TradingOptions } from './trading.js';

const WARM_UP = 100_000;
const IN_FLIGHT = 32_768;

/** An engine on the reference case, and a source that keeps it busy. */
export async function startLoaded(options: TradingOptions) {
  const { engine, provider } = await startTrading(options);
  const source = new OrderSource(provider, tradingBus, new SystemClock(), IN_FLIGHT);
  await source.open();
  return { engine, source };
}

/** Orders per second through an engine with everything switched on: receive to acknowledge. */
export async function saturate(path: string, count: number): Promise<number> {
  const { engine, source } = await startLoaded({ path });
  const orders = encodedOrders(Math.min(count, 500_000));
  await source.send(orders, Math.min(WARM_UP, count));
  const perSecond = await source.measure(orders, count);
  await engine.stop();
  return perSecond;
}
