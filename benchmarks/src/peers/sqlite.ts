import { join } from 'node:path';
import { type CaseContext, scaled } from '../case.js';
import { encodedOrders } from '../orders.js';
import { doJob } from './job.js';
import { loadPeer } from './peer-modules.js';
import { type Peer, type PeerRate, perSecond } from './peer.js';

interface Statement {
  run(...values: unknown[]): unknown;
}

interface Database {
  pragma(text: string): unknown;
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  transaction<Args extends unknown[]>(work: (...args: Args) => void): (...args: Args) => void;
  close(): void;
}

type DatabaseClass = new (path: string) => Database;

const SCHEMA = `
  CREATE TABLE positions (account TEXT PRIMARY KEY, quantity INTEGER, value REAL, lastSequence INTEGER) WITHOUT ROWID;
  CREATE TABLE outbox (id INTEGER PRIMARY KEY, key TEXT, execution BLOB);
  CREATE TABLE marks (sender INTEGER PRIMARY KEY, sequence INTEGER);`;
const UPSERT = `
  INSERT INTO positions VALUES (?, ?, ?, ?) ON CONFLICT (account) DO UPDATE
  SET quantity = quantity + excluded.quantity, value = value + excluded.value, lastSequence = excluded.lastSequence`;
const BATCH = 512;

export const sqlite: Peer = {
  name: 'better-sqlite3',
  says: 'better-sqlite3 with WAL and synchronous=FULL: every transaction is synced. Orders come from memory; a transaction has the upserts, the rows of an outbox and a dedupe mark. Nothing sends the outbox.',
  run: (context) => {
    const module = loadPeer<DatabaseClass>('better-sqlite3');
    if (typeof module === 'string') return Promise.resolve(module);
    return Promise.resolve([
      rate(module, context, { name: 'better-sqlite3, one by one', batch: 1, count: 20_000 }),
      rate(module, context, { name: `better-sqlite3, batches of ${BATCH}`, batch: BATCH, count: 400_000 }),
    ]);
  },
};

function rate(
  DatabaseOf: DatabaseClass,
  context: CaseContext,
  { name, batch, count }: { readonly name: string; readonly batch: number; readonly count: number },
): PeerRate {
  const database = new DatabaseOf(join(context.directory, `batch-${batch}.sqlite`));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(SCHEMA);
  const upsert = database.prepare(UPSERT);
  const publish = database.prepare('INSERT INTO outbox (key, execution) VALUES (?, ?)');
  const mark = database.prepare('INSERT OR REPLACE INTO marks VALUES (1, ?)');
  const orders = encodedOrders(scaled(context, count));
  const handle = database.transaction((from: number, to: number) => {
    for (let index = from; index < to; index++) {
      const { account, quantity, value, sequence, key, execution } = doJob(orders[index]!);
      upsert.run(account, quantity, value, sequence);
      publish.run(key, execution);
    }
    mark.run(to);
  });
  const startedMs = performance.now();
  for (let from = 0; from < orders.length; from += batch) handle(from, Math.min(from + batch, orders.length));
  const value = perSecond(orders.length, startedMs);
  database.close();
  return { name, value, unit: 'msg/s', isSynced: true };
}
