import { type BusDescription, LoopbackProvider } from '@aep/bus';
import { createEngine, type Engine } from '@aep/engine';
import {
  Gateway,
  type GatewayJournal,
  Ledger,
  type LedgerBook,
  type OrderBook,
  OrderProcessor,
  Reading,
} from '@aep/example-orders';
import { SeededRandom, SystemClock } from '@aep/kernel';
import { MemoryStore } from '@aep/store';

const FILTER = 'OrderState=New|Amended|Cancelled';

/** The three apps as model.xml wires them, over stores in memory: no files, no ports. */
export class ThreeEngines {
  readonly gateway: Engine<GatewayJournal>;
  readonly processor: Engine<OrderBook>;
  readonly ledger: Engine<LedgerBook>;
  readonly app = new Gateway(new Reading());
  private alive: NodeJS.Timeout | undefined;

  /** @param input the CSV, or an empty string for a gateway that is fed by hand */
  constructor(
    input: string,
    readonly stores: ReadonlyMap<string, MemoryStore> = newStores(),
  ) {
    const provider = new LoopbackProvider();
    const newOrders = {
      name: 'new-orders-channel',
      key: 'NEWORDERS/${Country}/${Department}',
      keyOptions: { cleanMessageKey: true },
    };
    const events = {
      name: 'order-events-channel',
      key: 'OrderEvents/${OrderState}/${Region}/${Department}',
      keyOptions: { cleanMessageKey: true },
    };
    const engine = <S>(name: string, app: object, channels: readonly object[]): Engine<S> =>
      createEngine<S>({
        name,
        app,
        store: () => this.store(name),
        buses: [{ description: BUS, provider, channels: channels as [] }],
        configuration: (path) => (path === 'gateway.input' ? input : undefined),
      });
    this.ledger = engine('ledger', new Ledger(), [{ ...events, join: true, filter: FILTER }]);
    this.processor = engine('order-processor', new OrderProcessor(), [{ ...newOrders, join: true }, events]);
    this.gateway = engine('gateway', this.app, [newOrders]);
  }

  async start(): Promise<void> {
    // The engines' timers keep no process alive.
    this.alive = setInterval(() => undefined, 1_000);
    for (const engine of [this.ledger, this.processor, this.gateway]) await engine.start();
  }

  /** Resolves when the input is read and everything that came of it is confirmed. */
  async finish(): Promise<void> {
    await this.app.reading.finished;
    for (const engine of [this.gateway, this.processor, this.ledger]) await engine.whenIdle();
  }

  async stop(): Promise<void> {
    for (const engine of [this.gateway, this.processor, this.ledger]) await engine.stop();
    clearInterval(this.alive);
  }

  private store(name: string): MemoryStore {
    const store = this.stores.get(name);
    if (store === undefined) throw new Error(`no store for ${name}`);
    return store;
  }
}

export function newStores(): Map<string, MemoryStore> {
  const names = ['gateway', 'order-processor', 'ledger'];
  return new Map(
    names.map((engineName) => [
      engineName,
      new MemoryStore({ clock: new SystemClock(), engineName, random: new SeededRandom(1) }),
    ]),
  );
}

const channel = (name: string, id: number) => ({ name, id, qos: 'Guaranteed', properties: {} }) as const;

const BUS: BusDescription = {
  name: 'orders-bus',
  provider: 'loopback',
  address: 'orders',
  port: 0,
  properties: {},
  channels: [channel('new-orders-channel', 1), channel('order-events-channel', 2)],
  roster: [
    { app: 'order-processor', channel: 'new-orders-channel', patterns: ['**'] },
    {
      app: 'ledger',
      channel: 'order-events-channel',
      patterns: ['OrderEvents/New/*/*', 'OrderEvents/Amended/*/*', 'OrderEvents/Cancelled/*/*'],
    },
  ],
};
