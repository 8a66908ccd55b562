import { type CaseContext, scaled } from '../case.js';
import { encodedOrders } from '../orders.js';
import { doJob } from './job.js';
import { loadPeer } from './peer-modules.js';
import { type Peer, type PeerRate, perSecond } from './peer.js';
import { startRedis } from './redis-server.js';

interface Queue {
  add(name: string, data: unknown): Promise<unknown>;
  addBulk(jobs: readonly { readonly name: string; readonly data: unknown }[]): Promise<unknown>;
  close(): Promise<void>;
}

interface Worker {
  on(event: 'completed' | 'error', listener: (subject: unknown) => void): unknown;
  close(): Promise<void>;
}

interface BullMqModule {
  readonly Queue: new (name: string, options: object) => Queue;
  readonly Worker: new (
    name: string,
    handle: (job: { readonly data: { readonly bytes: string } }) => Promise<unknown>,
    options: object,
  ) => Worker;
}

interface Redis {
  pipeline(commands: readonly (readonly (string | number)[])[]): { exec(): Promise<unknown> };
  disconnect(): void;
}

interface IoRedisModule {
  readonly Redis: new (options: { readonly port: number; readonly host: string }) => Redis;
}

const CONCURRENCY = 256;

export const bullMq: Peer = {
  name: 'BullMQ',
  says: `BullMQ on a Redis with appendfsync always: each step of a job is synced. A job has the order as base64; its handler updates a hash and adds an execution to a second queue, ${CONCURRENCY} at a time. Adding the orders is not timed.`,
  run: async (context) => {
    const module = loadPeer<BullMqModule>('bullmq');
    if (typeof module === 'string') return module;
    const ioredis = loadPeer<IoRedisModule>('ioredis');
    if (typeof ioredis === 'string') return ioredis;
    const started = await startRedis(context.directory);
    if (typeof started === 'string') return started;
    const connection = { host: '127.0.0.1', port: started.port };
    const redis = new ioredis.Redis(connection);
    try {
      return [await work(module, redis, { context, connection })];
    } finally {
      redis.disconnect();
      await started.server.stop();
    }
  },
};

async function work(
  { Queue: QueueOf, Worker: WorkerOf }: BullMqModule,
  redis: Redis,
  { context, connection }: { readonly context: CaseContext; readonly connection: object },
): Promise<PeerRate> {
  const orders = encodedOrders(scaled(context, 8_000));
  const [incoming, outgoing] = [new QueueOf('orders', { connection }), new QueueOf('executions', { connection })];
  const jobs = orders.map((order) => ({ name: 'order', data: { bytes: Buffer.from(order).toString('base64') } }));
  for (let from = 0; from < jobs.length; from += 500) await incoming.addBulk(jobs.slice(from, from + 500));
  const startedMs = performance.now();
  const worker = await new Promise<Worker>((resolve, reject) => {
    let completed = 0;
    const one = new WorkerOf(
      'orders',
      async ({ data }) => {
        const { account, quantity, value, sequence, execution } = doJob(Buffer.from(data.bytes, 'base64'));
        const position = `position:${account}`;
        await redis
          .pipeline([
            ['hincrby', position, 'quantity', quantity],
            ['hincrbyfloat', position, 'value', value],
            ['hset', position, 'lastSequence', sequence],
          ])
          .exec();
        await outgoing.add('execution', { bytes: execution.toString('base64') });
      },
      { connection, concurrency: CONCURRENCY, removeOnComplete: { count: 0 } },
    );
    one.on('error', reject);
    one.on('completed', () => {
      if (++completed === orders.length) resolve(one);
    });
  });
  const value = perSecond(orders.length, startedMs);
  await worker.close();
  await incoming.close();
  await outgoing.close();
  return { name: 'BullMQ', value, unit: 'msg/s', isSynced: true };
}
