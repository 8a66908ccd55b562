import { type BusDescription, LoopbackProvider } from '@aep/bus';
import {
  ApplicationException,
  type BusUse,
  createEngine,
  defineApp,
  type Engine,
  type EngineLimits,
} from '@aep/engine';
import { type Clock, SystemClock } from '@aep/kernel';
import type { Store } from '@aep/store';
import { openLmdbStore } from '@aep/store-lmdb';
import { Order, Positions, TradeFactory } from './gen/trade.js';
import { book, executionOf, readAll } from './orders.js';

/** The bus of the reference case. Nobody joins `executions`: what is sent there is confirmed at once. */
export const tradingBus: BusDescription = {
  name: 'bench',
  provider: 'loopback',
  address: 'bench',
  port: 0,
  properties: {},
  channels: [
    { name: 'orders', id: 1, qos: 'Guaranteed', properties: {} },
    { name: 'executions', id: 2, qos: 'Guaranteed', properties: {} },
  ],
  roster: [],
};

/** What the reference case does with its two channels, on whatever bus. */
export const TRADING_CHANNELS = [
  { name: 'orders', join: true },
  { name: 'executions', key: 'Executions/${region}/${department}' },
] as const;

/** The application of the reference case: every field read, one keyed entity updated, one message sent. Each engine needs its own. */
const tradingApp = () =>
  defineApp({ name: 'trading', state: Positions, factories: [TradeFactory] }).on(Order, (order, { state, send }) => {
    readAll(order);
    book(order, state.positions.getOrCreate(order.account));
    send('executions', executionOf(order));
  });

export interface TradingOptions {
  /** Directory of the store. */
  readonly path: string;
  /** @default 'disk' */
  readonly durability?: 'disk' | 'os';
  /** @default true */
  readonly latencies?: boolean;
  readonly limits?: Partial<EngineLimits>;
  /** @default a loopback bus of this engine's own */
  readonly buses?: readonly BusUse[];
}

export interface TradingEngine {
  readonly engine: Engine<Positions>;
  /** The loopback bus; sources attach here. */
  readonly provider: LoopbackProvider;
}

/** Starts an engine with everything switched on. */
export async function startTrading(options: TradingOptions): Promise<TradingEngine> {
  const { path, durability = 'disk' } = options;
  const clock = new SystemClock();
  const trading = makeTrading({
    ...options,
    clock,
    store: () => openLmdbStore({ path, engineName: TRADING, durability, clock }),
  });
  await trading.engine.start();
  return trading;
}

/** The name under which a store belongs to the reference case. */
export const TRADING = 'trading';

export interface TradingParts extends Omit<TradingOptions, 'path' | 'durability'> {
  readonly clock: Clock;
  readonly store: () => Store | Promise<Store>;
}

/** An engine that has not started, on whatever store it is given. */
export function makeTrading({ clock, store, buses, latencies = true, limits = {} }: TradingParts): TradingEngine {
  const provider = new LoopbackProvider();
  const engine = createEngine<Positions>({
    app: tradingApp(),
    clock,
    latencies,
    limits,
    store,
    buses: buses ?? [{ description: tradingBus, provider, channels: TRADING_CHANNELS }],
  });
  engine.alerts$.subscribe((alert) => {
    if (alert instanceof ApplicationException) throw alert.cause;
  });
  return { engine, provider };
}
