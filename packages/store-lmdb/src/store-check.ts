import { AepError, type Facts, SeededRandom, toError } from '@aep/kernel';
import { RecordReader } from '@aep/store';
import { closeEnvironments, openEnvironments, openFailed, storeDamaged } from './environment.js';
import { LmdbRuns } from './lmdb-runs.js';
import { MetaName, readIdentity, readNumber } from './store-meta.js';
import { walkTables } from './table-walk.js';
import { checkTrees } from './tree-check.js';

/** What the child process is to do: look at a store, or make the files of a new one. */
export interface CheckRequest {
  readonly task: 'check' | 'make';
  readonly path: string;
  readonly mapSizeBytes: number;
  /** Records at the end of the journal that are all checked. */
  readonly tailRecords: number;
}

/** What it answers, as one line of JSON. */
export interface CheckResult {
  readonly recordsChecked: number;
  readonly entriesRead: number;
  readonly error: { readonly code: string; readonly message: string; readonly facts: Facts } | undefined;
}

/** Reads the pages at the edges of the trees, the journal's tail, some older runs and a part of the tables. Runs in the child process. */
export async function checkStore(request: CheckRequest): Promise<CheckResult> {
  let recordsChecked = 0;
  let entriesRead = 0;
  try {
    for (const name of ['journal', 'state']) checkTrees(`${request.path}/${name}/data.mdb`);
    const environments = openEnvironments({ ...request, readOnly: true, noSync: false });
    readIdentity(environments.journalMeta, request.path);
    recordsChecked = checkJournal(new LmdbRuns(environments), request.tailRecords);
    readNumber(environments.stateMeta, MetaName.appliedTxId);
    entriesRead = walkTables(environments, TABLE_ENTRIES_READ);
    await closeEnvironments(environments);
    return { recordsChecked, entriesRead, error: undefined };
  } catch (thrown) {
    const error = thrown instanceof AepError ? thrown : unreadable(request.path, thrown);
    return { recordsChecked, entriesRead, error: { code: error.code, message: error.message, facts: error.facts } };
  }
}

/**
 * Makes the two files with their databases, before anything is written to them. Runs in the child process: LMDB does not
 * survive an error of the very first write to a file.
 */
export async function makeStore({ path, mapSizeBytes }: CheckRequest): Promise<CheckResult> {
  const nothing = { recordsChecked: 0, entriesRead: 0 };
  try {
    await closeEnvironments(openEnvironments({ path, mapSizeBytes, readOnly: false, noSync: false }));
    return { ...nothing, error: undefined };
  } catch (thrown) {
    const error = thrown instanceof AepError ? thrown : openFailed(path, thrown);
    return { ...nothing, error: { code: error.code, message: error.message, facts: error.facts } };
  }
}

/** @returns undefined when the text is not a whole answer: the child died */
export function parseCheckResult(text: string): CheckResult | undefined {
  if (!text.endsWith('\n')) return undefined;
  try {
    return JSON.parse(text) as CheckResult;
  } catch {
    return undefined;
  }
}

function checkJournal(runs: LmdbRuns, tailRecords: number): number {
  const { firstTxId, lastTxId } = runs.position();
  if (lastTxId === 0) return 0;
  const tailFrom = Math.max(firstTxId, lastTxId - tailRecords + 1);
  let checked = checkFrom(runs, tailFrom, lastTxId, Infinity);
  // The same runs every time would leave the others to the scrub alone; the last txId makes a cheap seed.
  const random = new SeededRandom(lastTxId);
  const spots = tailFrom > firstTxId ? SPOT_CHECKS : 0;
  for (let spot = 0; spot < spots; spot++) {
    checked += checkFrom(runs, firstTxId + random.below(tailFrom - firstTxId), lastTxId, 1);
  }
  return checked;
}

function checkFrom(runs: LmdbRuns, fromTxId: number, lastTxId: number, runsMax: number): number {
  const reader = new RecordReader();
  const hash = { low: 0, high: 0 };
  let next = fromTxId;
  let looked = 0;
  for (const run of runs.read(fromTxId, () => lastTxId)) {
    for (let at = run.start; at < run.end; next++) {
      at = reader.open(run.bytes, at, run.end);
      reader.checkFollows(next - 1, next === fromTxId ? reader.previousHash : hash);
      while (reader.next());
      hash.low = reader.hash.low;
      hash.high = reader.hash.high;
    }
    if (++looked >= runsMax) return next - fromTxId;
  }
  if (next !== lastTxId + 1) {
    throw new AepError(
      'AEP_RECORD_CORRUPT',
      'fatal',
      `record ${next} is missing; the journal should reach ${lastTxId}`,
      { txId: next },
    );
  }
  return next - fromTxId;
}

const SPOT_CHECKS = 32;
/** From each end: what a start takes for it is some 100 ms. The rest is checked when it is read. */
const TABLE_ENTRIES_READ = 20_000;

function unreadable(path: string, thrown: unknown): AepError {
  return storeDamaged(`the store at ${path} cannot be read: ${toError(thrown).message}`, { path });
}
