import { existsSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { describeError, SystemClock } from '@aep/kernel';
import { Checkpointer, LocalCause, recover, RecordKind, RecordWriter } from '@aep/store';
import { openLmdbStore } from '@aep/store-lmdb';

/**
 * The reference workload: brings a store to a number of transactions, one commit each, with checkpoints behind, and says in
 * a file what has become stable, at once. The same system calls in the same order each time. Arguments: directory of the
 * store, file for what it says, number of transactions, `disk` or `os`, `sync` or `async` commits, and who makes a new
 * store: a `child` or the process `itself`.
 *
 * It says `stable N`, `failed CODE`, and `done` when it has closed the store.
 */
const [path = '', report = '', count = '0', durability = 'disk', commitMode = 'sync', maker = 'itself'] =
  process.argv.slice(2);
const clock = new SystemClock();
const reportFile = openSync(report, 'a');
/** What is said after a failure would be an acknowledgement that must not be: it is waited for. */
const AFTER_FAILURE_MS = 60;
const TRANSACTIONS_PER_CHECKPOINT = 5;

const keepAlive = setInterval(() => undefined, 1_000);
try {
  await write();
  say('done');
} catch (error) {
  say(`failed ${describeError(error).split('\n')[0]}`);
  await new Promise((resolve) => setTimeout(resolve, AFTER_FAILURE_MS));
  process.exitCode = 1;
} finally {
  clearInterval(keepAlive);
}
// Threads of a database that has failed may hold the process.
process.exit();

async function write(): Promise<void> {
  const store = await openLmdbStore({
    path,
    engineName: 'reference',
    durability: durability === 'os' ? 'os' : 'disk',
    commitMode: commitMode === 'async' ? 'async' : 'sync',
    verifyOnOpen: maker === 'child' && !existsSync(`${path}/journal`),
    scrubIntervalMs: 0,
    mapSizeBytes: 64 * 1024 * 1024,
    journal: { commitStallMs: 2_000 },
    clock,
  });
  await recover(store, { clock });
  const { journal, tables } = store;
  const writer = new RecordWriter();
  let fail: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_resolve, reject) => (fail = reject));
  failure.catch(() => undefined);
  let stable: () => void = () => undefined;
  const onFailure = (error: Error): void => fail(error);
  const checkpointer = new Checkpointer(tables, clock, { onApplied: () => undefined, onFailure });
  journal.listen({
    onStable(mark) {
      say(`stable ${mark.txId}`);
      checkpointer.onStable(mark);
      journal.setConfirmed(mark.txId);
      stable();
    },
    onFailure,
  });
  for (let txId = journal.lastTxId + 1; txId <= Number(count); txId++) {
    writer.begin(RecordKind.transaction, 1, txId, txId);
    writer.localCause(LocalCause.command, 'write');
    for (const key of [`key ${txId % 13}`, `rare ${txId}`])
      writer.putBytes(1, Buffer.from(key), Buffer.from(`${key} of ${txId}, `.repeat(1 + (txId % 40))));
    writer.seal(journal.lastHash);
    journal.append(writer.bytes, writer.length);
    checkpointer.append(txId, journal.appended.bytes, journal.appended.start, writer.length);
    const isStable = new Promise<void>((resolve) => (stable = resolve));
    journal.commit();
    await Promise.race([isStable, failure]);
    if (txId % TRANSACTIONS_PER_CHECKPOINT === 0)
      await Promise.race([new Promise<void>((resolve) => checkpointer.flush(resolve)), failure]);
  }
  await Promise.race([store.close(), failure]);
}

function say(line: string): void {
  writeSync(reportFile, `${line}\n`);
}
