import { resolve } from 'node:path';
import { AepError, type Clock, type Log, type Random } from '@aep/kernel';
import type { AppModel } from '@aep/model';
import type { Store } from '@aep/store';
import { type LmdbStoreOptions, openLmdbStore } from '@aep/store-lmdb';

export interface StoreContext {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Directory of an app's store: its `storage.path`, taken from the data directory, or a directory of its name. */
export function storePath(app: AppModel, dataDir: string): string {
  return resolve(dataDir, app.storage.path ?? app.name);
}

export function storeOptions(app: AppModel, context: StoreContext): LmdbStoreOptions {
  const { durability, persistence } = app.storage;
  if (durability === 'replicated')
    throw new AepError(
      'AEP_NOT_AVAILABLE',
      'reject',
      `app "${app.name}": durability "replicated" is refused before a store is opened`,
    );
  return {
    path: storePath(app, context.dataDir),
    engineName: app.name,
    durability,
    mapSizeBytes: persistence.mapSizeBytes,
    freeSpaceReserveBytes: persistence.diskReserveBytes,
    clock: context.clock,
    random: context.random,
    log: context.log.child({ part: 'store', engine: app.name }),
  };
}

/**
 * Opens the store of an app and compares its journal with `startupExpectations` (M5).
 *
 * @throws AEP_STARTUP_EXPECTATION (reject), and what opening throws
 */
export async function openStore(app: AppModel, context: StoreContext): Promise<Store> {
  const store = await openLmdbStore(storeOptions(app, context));
  const { journal } = app.startupExpectations;
  const isEmpty = store.journal.lastTxId === 0;
  if (journal === 'None' || (journal === 'Empty') === isEmpty) return store;
  await store.close();
  const found = isEmpty ? 'is empty' : `has ${store.journal.lastTxId} transactions`;
  throw new AepError(
    'AEP_STARTUP_EXPECTATION',
    'reject',
    `app "${app.name}" expects journal ${journal}, and the journal at ${storePath(app, context.dataDir)} ${found}: look for the right directory, or change startupExpectations.journal`,
    { app: app.name, expected: journal, lastTxId: store.journal.lastTxId },
  );
}
