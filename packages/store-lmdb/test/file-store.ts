import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SampleRecords } from '@aep/store/contract';
import { type LmdbStore, type LmdbStoreOptions, openLmdbStore } from '@aep/store-lmdb';

export function open(path: string, options: Partial<LmdbStoreOptions> = {}): Promise<LmdbStore> {
  return openLmdbStore({ path, engineName: 'files', verifyOnOpen: false, ...options });
}

export async function write(store: LmdbStore, count: number): Promise<void> {
  new SampleRecords(store.journal).appendMany(count);
  store.journal.commit();
  await until(() => store.journal.stableTxId === store.journal.lastTxId);
}

export async function until(condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs++) {
    assert.ok(waitedMs < 10_000, 'waited 10 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export async function inDirectory(run: (path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'aep-files-'));
  // Timers of a clock do not keep a process alive; a test that waits for one must.
  const keepAlive = setInterval(() => {}, 1_000);
  try {
    await run(path);
  } finally {
    clearInterval(keepAlive);
    rmSync(path, { recursive: true, force: true });
  }
}

/** What a verification says of the store, without its counts and times. */
export function pick({ bad, tables }: { bad: unknown; tables: string }): { bad: unknown; tables: string } {
  return { bad, tables };
}
