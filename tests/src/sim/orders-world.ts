import type { BusDescription } from '@aep/bus';
import { DirectProvider } from '@aep/bus-direct';
import { createEngine, defineApp, type Engine } from '@aep/engine';
import { departmentOf, Ledger, NewOrderMessage, OrdersFactory } from '@aep/example-orders';
import { describeError, ProcessClock, SeededRandom, silentLog, VirtualClock } from '@aep/kernel';
import { MemoryNetwork } from '@aep/net';
import { MemoryDisk, MemoryStore } from '@aep/store';
import { readMemory } from '../checker/memory-image.js';
import type { EngineImage } from '../checker/engine-image.js';
import { ENGINES } from '../harness/paths.js';
import { faultyProcessor, MESSAGE_BYTES_MAX } from './faulty-apps.js';
import { nodeNetwork } from './node-network.js';

export type EngineName = (typeof ENGINES)[number];

/**
 * The journals are kept whole, so that everything can be checked. What the wall clock may decide, here and of idempotency
 * keys, is out of its reach in the simulation.
 */
const RETENTION_MS = 1e12;

/** One simulated process: an engine, its clock, its disk. */
interface Node {
  readonly engine: Engine;
  readonly clock: ProcessClock;
  readonly store: MemoryStore;
  isStarted: boolean;
}

/** Processes that end again and again will not come to rest. */
export const DEATHS_MAX = 40;

/**
 * Gateway, order processor and ledger, each a process of its own, on one virtual clock, one network and three disks in
 * memory. Any of them can die between two callbacks and is started again on what its disk has kept.
 */
export class OrdersWorld {
  readonly clock = new VirtualClock();
  readonly network: MemoryNetwork;
  readonly random: SeededRandom;
  /** Problems that processes died of, other than being killed. */
  readonly deaths: string[] = [];
  private readonly nodes = new Map<EngineName, Node>();

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.network = new MemoryNetwork({ clock: this.clock, random: this.random.split(), delayMs: 0.1, jitterMs: 0.4 });
    for (const name of ENGINES.toReversed()) this.boot(name, new MemoryDisk());
  }

  get images(): Map<string, EngineImage> {
    return new Map(ENGINES.map((name) => [name, readMemory(this.store(name), name)]));
  }

  store(name: EngineName): MemoryStore {
    return this.nodes.get(name)!.store;
  }

  engine(name: EngineName): Engine {
    return this.nodes.get(name)!.engine;
  }

  isStarted(name: EngineName): boolean {
    return this.nodes.get(name)!.isStarted;
  }

  /** The process dies here and now, and is started again on what its disk has. */
  crash(name: EngineName): void {
    const { clock, store } = this.nodes.get(name)!;
    clock.kill();
    this.network.crash(name);
    this.boot(name, store.crash('chance').disk);
  }

  private boot(name: EngineName, disk: MemoryDisk): void {
    const clock = new ProcessClock(this.clock, (error) => this.onDeath(name, node, error));
    const store = new MemoryStore({ clock, engineName: name, disk, random: this.random.split() });
    const node: Node = { engine: this.makeEngine(name, clock, store), clock, store, isStarted: false };
    this.nodes.set(name, node);
    node.engine.start().then(
      () => (node.isStarted = true),
      (error: unknown) => this.onDeath(name, node, error),
    );
    void node.engine.stopped.then(({ cause }) => this.onDeath(name, node, cause));
  }

  /** A process that ends by itself: its engine stopped, or an exception that nobody caught. */
  private onDeath(name: EngineName, node: Node, cause: unknown): void {
    if (this.nodes.get(name) !== node || cause === undefined) return;
    this.deaths.push(`${name}: ${describeError(cause)}`);
    // Nobody starts it any more: one that dies at its start, again and again, would do so without any time passing.
    if (this.deaths.length <= DEATHS_MAX) this.crash(name);
  }

  private makeEngine(name: EngineName, clock: ProcessClock, store: MemoryStore): Engine {
    const nonces = this.random.split();
    const provider = new DirectProvider({
      network: nodeNetwork(this.network.node(name), clock),
      variables: {},
      randomBytes: (count) => Uint8Array.from({ length: count }, () => nonces.below(256)),
    });
    return createEngine({
      name,
      app: appOf(name),
      store: () => store,
      buses: [{ description: BUS, provider, channels: channelsOf(name) }],
      clock,
      random: this.random.split(),
      log: silentLog,
      limits: {
        messageBytesMax: MESSAGE_BYTES_MAX,
        journalRetentionMs: RETENTION_MS,
        idempotencyRetentionMs: RETENTION_MS,
      },
      policies: { retryBackoffMs: 1 },
    });
  }
}

function appOf(name: EngineName) {
  if (name === 'gateway') return defineApp({ name, factories: [OrdersFactory] });
  return name === 'ledger' ? new Ledger() : faultyProcessor();
}

/** A line as a client hands it over; content is drawn from its number. */
export function orderOf(line: number): NewOrderMessage {
  const order = NewOrderMessage.create();
  order.line = line;
  order.invoiceNo = `${line % 15 === 0 ? 'C' : ''}${500 + Math.floor(line / 3)}`;
  order.stockCode = String(10_000 + ((line * 7919) % 80_000));
  order.quantity = line % 9 === 0 ? -line : line;
  order.unitPriceMicros = 1_000_000 + line;
  order.customerId = line % 4 === 0 ? '' : `customer ${line % 5}`;
  order.country = ['United Kingdom', 'France', 'EIRE'][line % 3]!;
  order.department = departmentOf(order.stockCode);
  return order;
}

const KEYS = {
  'new-orders-channel': 'NEWORDERS/${Country}/${Department}',
  'order-events-channel': 'OrderEvents/${OrderState}/${Region}/${Department}',
} as const;

function channelsOf(name: EngineName) {
  const use = (channel: keyof typeof KEYS, join: boolean) => {
    return { name: channel, key: KEYS[channel], keyOptions: { cleanMessageKey: true }, join };
  };
  if (name === 'gateway') return [use('new-orders-channel', false)];
  if (name === 'ledger') return [use('order-events-channel', true)];
  return [use('new-orders-channel', true), use('order-events-channel', false)];
}

const channel = (name: string, id: number) => ({ name, id, qos: 'Guaranteed', properties: {} }) as const;

const BUS: BusDescription = {
  name: 'orders-bus',
  provider: 'direct',
  address: '',
  port: 0,
  properties: {
    'peer.order-processor': '127.0.0.1:5001',
    'peer.ledger': '127.0.0.1:5002',
    // A small window, so that a message that is not acknowledged soon holds the others up.
    windowMessages: '32',
  },
  channels: [channel('new-orders-channel', 1), channel('order-events-channel', 2)],
  roster: [
    { app: 'order-processor', channel: 'new-orders-channel', patterns: ['**'] },
    { app: 'ledger', channel: 'order-events-channel', patterns: ['**'] },
  ],
};
