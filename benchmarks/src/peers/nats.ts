import { join } from 'node:path';
import { type CaseContext, scaled } from '../case.js';
import { encodedOrders } from '../orders.js';
import { freePort } from '../processes/child.js';
import { doJob } from './job.js';
import { loadPeer } from './peer-modules.js';
import { PeerServer } from './peer-server.js';
import { forEachConcurrently, type Peer, type PeerRate, perSecond } from './peer.js';

interface Message {
  readonly data: Uint8Array;
}

interface StoredMessage extends Message {
  ack(): void;
}

interface Connection {
  publish(subject: string, data: Uint8Array): void;
  subscribe(subject: string, options: { readonly callback: (error: Error | null, message: Message) => void }): unknown;
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Bucket {
  put(key: string, data: Uint8Array): Promise<unknown>;
}

interface NatsModules {
  readonly core: { connect(options: { readonly servers: string }): Promise<Connection> };
  readonly jetstream: {
    jetstream(connection: Connection): {
      publish(subject: string, data: Uint8Array): Promise<unknown>;
      readonly consumers: { get(stream: string, name: string): Promise<Consumer> };
    };
    jetstreamManager(connection: Connection): Promise<{
      readonly streams: { add(options: object): Promise<unknown> };
      readonly consumers: { add(stream: string, options: object): Promise<unknown> };
    }>;
  };
  readonly kv: {
    readonly Kvm: new (connection: Connection) => { create(name: string, options: object): Promise<Bucket> };
  };
}

interface Consumer {
  fetch(options: { readonly max_messages: number; readonly expires: number }): Promise<AsyncIterable<StoredMessage>>;
}

const CONCURRENCY = 512;

export const nats: Peer = {
  name: 'NATS',
  says: `NATS 2.9 syncs nothing before it answers. Core: orders and executions are published and nothing is stored; the positions are in memory. JetStream: orders in a stream, positions in a key-value bucket, executions in a second stream, then the acknowledgement, ${CONCURRENCY} at a time; the server hands them to the operating system and syncs once a minute. Adding the orders is not timed.`,
  run: async (context) => {
    const core = loadPeer<NatsModules['core']>('@nats-io/transport-node');
    if (typeof core === 'string') return core;
    const jetstream = loadPeer<NatsModules['jetstream']>('@nats-io/jetstream');
    if (typeof jetstream === 'string') return jetstream;
    const kv = loadPeer<NatsModules['kv']>('@nats-io/kv');
    if (typeof kv === 'string') return kv;
    const port = await freePort();
    const args = ['--addr', '127.0.0.1', '--port', String(port), '--jetstream'];
    const server = await PeerServer.start(
      'nats-server',
      [...args, '--store_dir', join(context.directory, 'nats')],
      port,
    );
    if (typeof server === 'string') return server;
    const servers = `127.0.0.1:${port}`;
    const [connection, publisher] = [await core.connect({ servers }), await core.connect({ servers })];
    try {
      return [
        await coreRate(connection, publisher, context),
        await streamRate(connection, { core, jetstream, kv }, context),
      ];
    } finally {
      await connection.close();
      await publisher.close();
      await server.stop();
    }
  },
};

/** As many orders under way as the reference case of the engine has. */
const CORE_IN_FLIGHT = 4_096;

async function coreRate(connection: Connection, publisher: Connection, context: CaseContext): Promise<PeerRate> {
  const orders = encodedOrders(scaled(context, 200_000));
  const positions = new Map<string, { quantity: number; value: number }>();
  let sent = 0;
  let handled = 0;
  const send = (): void => {
    while (sent < orders.length && sent - handled < CORE_IN_FLIGHT) publisher.publish('orders', orders[sent++]!);
  };
  const done = new Promise<void>((resolve, reject) => {
    connection.subscribe('orders', {
      callback: (error, { data }) => {
        if (error !== null) return reject(error);
        const { account, quantity, value, key, execution } = doJob(data);
        const position = positions.get(account);
        if (position === undefined) positions.set(account, { quantity, value });
        else {
          position.quantity += quantity;
          position.value += value;
        }
        connection.publish(key, execution);
        if (++handled === orders.length) resolve();
        else if (sent - handled < CORE_IN_FLIGHT / 2) send();
      },
    });
  });
  await connection.flush();
  const startedMs = performance.now();
  send();
  await done;
  await connection.flush();
  return { name: 'NATS core', value: perSecond(orders.length, startedMs), unit: 'msg/s', isSynced: false };
}

async function streamRate(connection: Connection, modules: NatsModules, context: CaseContext): Promise<PeerRate> {
  const orders = encodedOrders(scaled(context, 20_000));
  const stream = modules.jetstream.jetstream(connection);
  const manager = await modules.jetstream.jetstreamManager(connection);
  const storage = 'file';
  await manager.streams.add({ name: 'ORDERS', subjects: ['stored.orders'], storage });
  await manager.streams.add({ name: 'EXECUTIONS', subjects: ['stored.Executions.>'], storage });
  const settings = { durable_name: 'trading', ack_policy: 'explicit', max_ack_pending: 10_000 };
  await manager.consumers.add('ORDERS', settings);
  const bucket = await new modules.kv.Kvm(connection).create('positions', { storage });
  await forEachConcurrently(orders, CONCURRENCY, (order) => stream.publish('stored.orders', order));
  const consumer = await stream.consumers.get('ORDERS', 'trading');
  const startedMs = performance.now();
  for (let done = 0; done < orders.length;) {
    const batch: StoredMessage[] = [];
    const wanted = Math.min(CONCURRENCY, orders.length - done);
    for await (const message of await consumer.fetch({ max_messages: wanted, expires: 5_000 })) batch.push(message);
    await Promise.all(
      batch.map(async (message) => {
        const { account, quantity, value, key, execution } = doJob(message.data);
        await bucket.put(account, Buffer.from(`${quantity},${value}`));
        await stream.publish(`stored.${key}`, execution);
        message.ack();
      }),
    );
    done += batch.length;
  }
  await connection.flush();
  return { name: 'NATS JetStream and KV', value: perSecond(orders.length, startedMs), unit: 'msg/s', isSynced: false };
}
