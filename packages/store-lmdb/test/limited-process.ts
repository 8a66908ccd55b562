import { SampleRecords } from '@aep/store/contract';
import { openLmdbStore } from '@aep/store-lmdb';

/** Writes until the system refuses a write, and prints what the journal said. Arguments: path, commit mode. */
// Without a handler the signal of a file that grows past its limit would end the process.
process.on('SIGXFSZ', () => {});
const store = await openLmdbStore({
  path: process.argv[2]!,
  engineName: 'files',
  commitMode: process.argv[3] as 'async' | 'sync',
  verifyOnOpen: false,
});
const records = new SampleRecords(store.journal);
const failures: string[] = [];
const progress = { stable: 0 };
const next = (): void => {
  records.append([{ key: 'k', value: 'x'.repeat(50_000) }]);
  store.journal.commit();
};
store.journal.listen({
  onStable(mark) {
    progress.stable = mark.txId;
    if (progress.stable < 1_000) next();
  },
  onFailure(error) {
    failures.push(error.code);
  },
});
next();
const deadline = setTimeout(() => {}, 15_000);
while (failures.length === 0 && progress.stable < 1_000) await new Promise((resolve) => setTimeout(resolve, 5));
clearTimeout(deadline);
const after = records.append([{ key: 'k', value: 'x' }]);
await store.close();
process.stdout.write(`\n${JSON.stringify({ failures, stable: progress.stable, after })}\n`);
