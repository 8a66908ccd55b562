import { AepError, type Clock } from '@aep/kernel';
import { type JournalReader, verifyStore, type VerifyReport } from '@aep/store';
import type { Environments } from './environment.js';
import { LmdbCopySnapshot } from './lmdb-copy-snapshot.js';
import type { LmdbTables } from './lmdb-tables.js';

export interface VerifiedParts {
  readonly journal: JournalReader;
  readonly tables: Omit<LmdbTables, 'apply'>;
  readonly environments: Environments;
  readonly clock: Clock;
}

/** The journal, the tables against its fold where that is possible, and each entry by its checksum. */
export async function verifyAll(
  { journal, tables, environments, clock }: VerifiedParts,
  onProgress?: (checkedTxId: number, lastTxId: number) => void,
): Promise<VerifyReport> {
  const snapshot = tables.snapshot();
  let report: VerifyReport;
  try {
    report = await verifyStore(journal, { clock, snapshot, ...(onProgress === undefined ? {} : { onProgress }) });
  } finally {
    snapshot.close();
  }
  if (report.difference !== undefined) return report;
  const damage = await checkEntries(new LmdbCopySnapshot(environments, tables), clock);
  if (damage === undefined) return report;
  const { tableId, keyHex } = damage.facts;
  return { ...report, tables: 'different', difference: { tableId: Number(tableId), keyHex: String(keyHex) } };
}

/** Reads all entries of all tables, and closes the snapshot. Yields to the event loop. @returns the error of the first that is damaged */
export async function checkEntries(snapshot: LmdbCopySnapshot, clock: Clock): Promise<AepError | undefined> {
  try {
    let after: { tableId: number; key: Uint8Array } | undefined;
    for (let isMore = true; isMore;) {
      isMore = false;
      let left = ENTRIES_PER_TURN;
      for (const { tableId, key } of snapshot.entries(after)) {
        after = { tableId, key };
        isMore = --left === 0;
        if (isMore) break;
      }
      await new Promise<void>((resolve) => {
        clock.defer(resolve);
      });
    }
    return undefined;
  } catch (thrown) {
    if (thrown instanceof AepError && thrown.code === 'AEP_TABLE_ENTRY_CORRUPT') return thrown;
    throw thrown;
  } finally {
    snapshot.close();
  }
}

/** Less than a millisecond of the event loop. */
const ENTRIES_PER_TURN = 256;
