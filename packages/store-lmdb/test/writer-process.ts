import { writeSync } from 'node:fs';
import { SeededRandom, SystemClock } from '@aep/kernel';
import { Checkpointer, recover } from '@aep/store';
import { SampleRecords } from '@aep/store/contract';
import { openLmdbStore } from '@aep/store-lmdb';

/**
 * A writer for tests that kill it: appends as fast as it may, checkpoints beside it, and says on stdout what has become
 * stable. Arguments: path, seed, commit mode, `trim` or `keep`.
 */
const [path, seed, commitMode, retention] = process.argv.slice(2);
const clock = new SystemClock();
const random = new SeededRandom(Number(seed));
const store = await openLmdbStore({
  path: path!,
  engineName: 'killed',
  commitMode: commitMode as 'sync' | 'async',
  verifyOnOpen: false,
});
await recover(store, { clock });
const { journal } = store;
const records = new SampleRecords(journal);
const fail = (error: Error): void => {
  writeSync(2, `${error.stack}\n`);
  process.exit(1);
};
const checkpointer = new Checkpointer(
  store.tables,
  clock,
  { onApplied: () => {}, onFailure: fail },
  { entriesMax: 50, intervalMs: 5 },
);
journal.listen({
  onStable(mark) {
    // Before anything else, as a release would be: from here on this record must survive.
    writeSync(1, `${mark.txId}\n`);
    checkpointer.onStable(mark);
    journal.setConfirmed(mark.txId);
    if (retention === 'trim') journal.trim(checkpointer.appliedTxId);
  },
  onFailure: fail,
});
const keepAlive = setInterval(() => {}, 1_000);
const pump = (): void => {
  for (let count = random.below(20); count > 0; count--) {
    const txId = journal.lastTxId + 1;
    const value = random.below(5) === 0 ? undefined : `v${txId}`.repeat(1 + random.below(40));
    if (records.append([{ key: `k${random.below(200)}`, value }], txId) !== 'accepted') break;
    checkpointer.append(txId, journal.appended.bytes, journal.appended.start, records.writer.length);
  }
  journal.commit();
  if (keepAlive.hasRef()) setImmediate(pump);
};
pump();
