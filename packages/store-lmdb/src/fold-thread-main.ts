import { parentPort, workerData } from 'node:worker_threads';
import { AepError, assert, toError } from '@aep/kernel';
import { ChangeMap, foldRecord, RecordReader } from '@aep/store';
import { EntryValues } from './entry-values.js';
import { closeEnvironments, openEnvironments, SYNC_COMMIT } from './environment.js';
import type { FoldAnswer, FoldFailure, FoldRequest, FoldSettings } from './fold-messages.js';
import { LmdbRuns } from './lmdb-runs.js';
import { putChanges } from './put-changes.js';
import { MetaName, readNumber } from './store-meta.js';

/**
 * The thread behind {@link FoldThread}: reads what the journal holds on the disk, which checks it once more, and writes the
 * tables in one blocking transaction. LMDB lets several threads of a process share its files; the writer's lock is per file,
 * so this one never waits for a group commit.
 */
const port = parentPort!;
const environments = openEnvironments({ ...(workerData as FoldSettings), readOnly: false });
const runs = new LmdbRuns(environments);
const reader = new RecordReader();
const changes = new ChangeMap();
const values = new EntryValues();

port.on('message', (request: FoldRequest) => {
  if (request === 'end') {
    void closeEnvironments(environments).finally(() => port.close());
    return;
  }
  answer(attempt(request.toTxId));
});
answer('ready');

function answer(message: FoldAnswer): void {
  port.postMessage(message);
}

function attempt(toTxId: number): FoldAnswer {
  try {
    return { entries: fold(toTxId) };
  } catch (thrown) {
    return { failure: failureOf(thrown) };
  }
}

/** Returns the number of entries. @throws AEP_RECORD_CORRUPT, AEP_JOURNAL_TRIMMED, and what lmdb throws */
function fold(toTxId: number): number {
  // Read transactions of an earlier turn would not see the newest commits.
  environments.journal.resetReadTxn();
  environments.state.resetReadTxn();
  const appliedTxId = readNumber(environments.stateMeta, MetaName.appliedTxId) ?? 0;
  let txId = appliedTxId + 1;
  for (const { bytes, start, end } of runs.read(txId, () => toTxId)) {
    for (let at = start; at < end && txId <= toTxId; txId++) {
      at = reader.open(bytes, at, end);
      assert(reader.txId === txId, 'the journal holds every record once, in order');
      foldRecord(reader, changes);
    }
  }
  assert(txId === toTxId + 1, 'a stable record is in the journal');
  // In braces: a put that is returned makes lmdb wait for its promise and leaves the transaction open (S9).
  environments.state.transactionSync(() => {
    putChanges(environments, values, changes, toTxId);
  }, SYNC_COMMIT);
  const entries = changes.size;
  changes.clear();
  values.clear();
  return entries;
}

function failureOf(thrown: unknown): FoldFailure {
  const { message } = toError(thrown);
  if (thrown instanceof AepError) return { code: thrown.code, message, facts: thrown.facts };
  return { code: undefined, message, facts: {} };
}
