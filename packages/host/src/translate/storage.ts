import { resolve } from 'node:path';
import { AepError, type Clock, type Log, type Random } from '@aep/kernel';
import type { AppModel } from '@aep/model';
import type { CopySnapshot, Store, StoreInTheMaking, StoreMaker, StoreOrigin } from '@aep/store';
import { LmdbStoreMaker, type LmdbStoreOptions, openLmdbStore } from '@aep/store-lmdb';

export interface StoreContext {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Directory of an app's store: its `storage.path`, taken from the data directory, or a directory of its name; below it one
 * for each member, when the app has a group.
 */
export function storePath(app: AppModel, dataDir: string, member?: string): string {
  return resolve(dataDir, app.storage.path ?? app.name, member ?? '');
}

export function storeOptions(app: AppModel, context: StoreContext, member?: string): LmdbStoreOptions {
  const { durability, persistence } = app.storage;
  return {
    path: storePath(app, context.dataDir, member),
    engineName: app.name,
    // Replicated is on the disk of every member (H2).
    durability: durability === 'replicated' ? 'disk' : durability,
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
  const problem = unexpectedJournal(app, storePath(app, context.dataDir), store.journal.lastTxId);
  if (problem === undefined) return store;
  await store.close();
  throw problem;
}

/** The stores of an app that is a member of a group; compares what is found first with `startupExpectations` (M5). */
export class MemberStores implements StoreMaker {
  private readonly maker: LmdbStoreMaker;
  private readonly path: string;
  private isFirst = true;
  private last: Store | undefined;

  constructor(
    private readonly app: AppModel,
    context: StoreContext,
    member: string,
  ) {
    const options = storeOptions(app, context, member);
    this.path = options.path;
    this.maker = new LmdbStoreMaker(options);
  }

  /** Also answers AEP_STARTUP_EXPECTATION. */
  open(done: (error: AepError | undefined, store: Store | undefined) => void): void {
    this.maker.open((error, store) => {
      const wasFirst = this.isFirst;
      this.isFirst = false;
      const problem =
        wasFirst && error === undefined
          ? unexpectedJournal(this.app, this.path, store?.journal.lastTxId ?? 0)
          : undefined;
      const refuse = (): void => done(problem, undefined);
      this.last = store;
      if (problem === undefined) done(error, store);
      else if (store === undefined) refuse();
      else this.closeThen(store, refuse);
    });
  }

  create(origin: StoreOrigin, done: (error: AepError | undefined, making: StoreInTheMaking | undefined) => void): void {
    this.maker.create(origin, (error, making) => {
      this.last = making?.store;
      done(error, making);
    });
  }

  private closeThen(store: Store, next: () => void): void {
    store.close().then(next, next);
  }

  /** For a member that has failed: it leaves its store as it is. Closing twice is well; a store whose disk hangs never closes (S3). */
  async closeLast(): Promise<void> {
    await this.last?.close();
  }

  copySnapshot(store: Store): CopySnapshot {
    return this.maker.copySnapshot(store);
  }

  destroy(done: (error: AepError | undefined) => void): void {
    this.maker.destroy(done);
  }
}

function unexpectedJournal(app: AppModel, path: string, lastTxId: number): AepError | undefined {
  const { journal } = app.startupExpectations;
  const isEmpty = lastTxId === 0;
  if (journal === 'None' || (journal === 'Empty') === isEmpty) return undefined;
  const found = isEmpty ? 'is empty' : `has ${lastTxId} transactions`;
  return new AepError(
    'AEP_STARTUP_EXPECTATION',
    'reject',
    `app "${app.name}" expects journal ${journal}, and the journal at ${path} ${found}: look for the right directory, or change startupExpectations.journal`,
    { app: app.name, expected: journal, lastTxId },
  );
}
