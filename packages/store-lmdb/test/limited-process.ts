import { execFileSync } from 'node:child_process';
import { describeError } from '@aep/kernel';
import { SampleRecords } from '@aep/store/contract';
import { type LmdbStore, openLmdbStore } from '@aep/store-lmdb';

/**
 * Writes until the system refuses a write, and prints what the store said. Arguments: path, commit mode, and what is
 * refused: `new` (the making of the store), `file` (the making of a file that is missing), `epoch` or `records`.
 */
const [path = '', commitMode = 'auto', refused = 'records'] = process.argv.slice(2);
// Without a handler the signal of a file that grows past its limit would end the process.
process.on('SIGXFSZ', () => {});
const keepAlive = setInterval(() => {}, 1_000);
const refusals = {
  new: () => refusedMaking(true),
  file: () => refusedMaking(false),
  epoch: refusedEpoch,
  records: refusedRecords,
};
const said = await refusals[refused as keyof typeof refusals]();
// A rejection that nobody handled would come in the meantime.
await new Promise((resolve) => setTimeout(resolve, 50));
clearInterval(keepAlive);
process.stdout.write(`\n${said}\n`);
process.exit();

function open(verifyOnOpen: boolean): Promise<LmdbStore> {
  return openLmdbStore({ path, engineName: 'files', commitMode: commitMode as 'async' | 'sync', verifyOnOpen });
}

async function refusedMaking(verifyOnOpen: boolean): Promise<string> {
  return open(verifyOnOpen).then(() => 'opened', describeError);
}

async function refusedEpoch(): Promise<string> {
  const store = await open(false);
  // The limit is inside a page: a write that is refused as a whole may make lmdb write past its error text (README).
  execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=9000:unlimited']);
  const error = await new Promise((resolve) => store.setEpoch(5, resolve));
  await store.close();
  return describeError(error);
}

async function refusedRecords(): Promise<string> {
  const store = await open(false);
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
  while (failures.length === 0 && progress.stable < 1_000) await new Promise((resolve) => setTimeout(resolve, 5));
  const after = records.append([{ key: 'k', value: 'x' }]);
  await store.close();
  return JSON.stringify({ failures, stable: progress.stable, after });
}
