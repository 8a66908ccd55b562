import { type CaseContext, scaled } from '../case.js';
import { encodedOrders } from '../orders.js';
import { doJob } from './job.js';
import { loadPeer } from './peer-modules.js';
import { type Peer, type PeerRate, perSecond } from './peer.js';
import { startRedis } from './redis-server.js';

type Argument = string | Buffer;

interface Transaction {
  addCommand(args: readonly Argument[]): this;
  exec(): Promise<unknown>;
}

interface Client {
  connect(): Promise<unknown>;
  sendCommand(args: readonly Argument[]): Promise<unknown>;
  multi(): Transaction;
  withTypeMapping(types: Readonly<Record<number, unknown>>): Client;
  destroy(): void;
}

interface RedisModule {
  createClient(options: {
    readonly RESP: 2;
    readonly socket: { readonly port: number; readonly host: string };
  }): Client;
  readonly RESP_TYPES: { readonly BLOB_STRING: number };
}

/** XREADGROUP: [[stream, [[id, [field, value]]]]] */
type Read = readonly [unknown, readonly (readonly [Buffer, readonly [Buffer, Buffer]])[]][] | null;

/** Orders read at once; all of them are handled at once, each in a MULTI of its own. */
const BATCH = 512;

export const redisStreams: Peer = {
  name: 'Redis streams',
  says: 'Redis streams with appendfsync always: each answer waits for a sync, which all commands of the moment share. An order is read by a consumer group and handled in one MULTI of HINCRBY, HINCRBYFLOAT, HSET, XADD and XACK; up to 512 at a time. Adding the orders is not timed.',
  run: async (context) => {
    const module = loadPeer<RedisModule>('redis');
    if (typeof module === 'string') return module;
    const started = await startRedis(context.directory);
    if (typeof started === 'string') return started;
    const client = module.createClient({ RESP: 2, socket: { host: '127.0.0.1', port: started.port } });
    await client.connect();
    try {
      const bytes = client.withTypeMapping({ [module.RESP_TYPES.BLOB_STRING]: Buffer });
      return [await consume(bytes, context)];
    } finally {
      client.destroy();
      await started.server.stop();
    }
  },
};

async function consume(client: Client, context: CaseContext): Promise<PeerRate> {
  const orders = encodedOrders(scaled(context, 60_000));
  await client.sendCommand(['XGROUP', 'CREATE', 'orders', 'trading', '0', 'MKSTREAM']);
  for (let from = 0; from < orders.length; from += BATCH) {
    const batch = orders.slice(from, from + BATCH);
    await Promise.all(batch.map((order) => client.sendCommand(['XADD', 'orders', '*', 'b', Buffer.from(order)])));
  }
  const read = ['XREADGROUP', 'GROUP', 'trading', 'one', 'COUNT', String(BATCH), 'STREAMS', 'orders', '>'];
  const startedMs = performance.now();
  for (let done = 0; done < orders.length;) {
    const entries = ((await client.sendCommand(read)) as Read)?.[0]?.[1] ?? [];
    if (entries.length === 0) throw new Error(`the stream ends after ${done} of ${orders.length} orders`);
    await Promise.all(entries.map(([id, [, order]]) => handle(client, id, order)));
    done += entries.length;
  }
  return { name: 'Redis streams', value: perSecond(orders.length, startedMs), unit: 'msg/s', isSynced: true };
}

function handle(client: Client, id: Buffer, order: Buffer): Promise<unknown> {
  const { account, quantity, value, sequence, execution } = doJob(order);
  const position = `position:${account}`;
  return client
    .multi()
    .addCommand(['HINCRBY', position, 'quantity', String(quantity)])
    .addCommand(['HINCRBYFLOAT', position, 'value', String(value)])
    .addCommand(['HSET', position, 'lastSequence', String(sequence)])
    .addCommand(['XADD', 'executions', '*', 'b', execution])
    .addCommand(['XACK', 'orders', 'trading', id])
    .exec();
}
