import { existsSync, readFileSync } from 'node:fs';
import { AepError, SystemClock } from '@aep/kernel';
import { recover } from '@aep/store';
import { openLmdbStore } from '@aep/store-lmdb';
import { checkEngine, Findings, type Violation } from '../checker/invariants.js';
import { readStore } from '../checker/lmdb-image.js';

/** What reference writers have said, one life after another. */
export interface WriterReport {
  readonly stableTxId: number;
  readonly isDone: boolean;
  readonly failure: string | undefined;
  readonly acknowledgedAfterFailure: number;
}

export function readReport(folder: string): WriterReport {
  const file = `${folder}/report`;
  return parseReport(existsSync(file) ? readFileSync(file, 'utf8') : '');
}

export function parseReport(text: string): WriterReport {
  // The last line may be cut; the ones before it are whole.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const failedAt = lines.findIndex((line) => line.startsWith('failed '));
  const stable = lines.filter((line) => line.startsWith('stable ')).map((line) => Number(line.slice(7)));
  const after = failedAt < 0 ? [] : lines.slice(failedAt).filter((line) => line.startsWith('stable '));
  return {
    stableTxId: Math.max(0, ...stable),
    isDone: lines.includes('done'),
    failure: lines[failedAt],
    acknowledgedAfterFailure: after.length,
  };
}

/** Everything acknowledged is there, the chain is whole, the tables are the fold of the journal: with the checker's own eyes. */
export async function checkStoreFiles(store: string, stableTxId: number): Promise<Violation[]> {
  const image = await readStore(store, 'reference');
  const found = new Findings('reference');
  const lastTxId = image.records.at(-1)?.txId ?? 0;
  if (lastTxId < stableTxId)
    found.add('NoLostInput', `record ${stableTxId} was acknowledged, the journal ends at ${lastTxId}`);
  return [...checkEngine(image), ...found.violations];
}

/** The same as the engine sees it: opened, recovered and verified. */
export async function checkByOpening(path: string, stableTxId: number): Promise<Violation[]> {
  const found = new Findings('reference');
  const clock = new SystemClock();
  // The check in a child process costs a tenth of a second; it matters where files may be unreadable, at the beginning.
  const verifyOnOpen = stableTxId === 0;
  const options = { path, engineName: 'reference', verifyOnOpen, scrubIntervalMs: 0, clock };
  try {
    const store = await openLmdbStore({ ...options, mapSizeBytes: 64 * 1024 * 1024 });
    try {
      await recover(store, { clock });
      const { bad, tables, lastTxId } = await store.verify();
      if (bad !== undefined) found.add('CommittedPrefix', bad.error.message);
      if (tables === 'different') found.add('FoldEquality', 'the tables differ after a recovery');
      if (lastTxId < stableTxId) found.add('NoLostInput', `opened, it ends at ${lastTxId}, not at ${stableTxId}`);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof AepError)) throw error;
    found.add('CommittedPrefix', `it does not open: ${error.code} ${error.message}`);
  }
  return found.violations;
}
