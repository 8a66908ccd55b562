import { AepError, type Clock, SystemClock, toError } from '@aep/kernel';
import type { CopySnapshot, Store, StoreInTheMaking, StoreMaker, StoreOrigin } from '@aep/store';
import { StoreFilling } from '@aep/store/internal';
import { openFailed } from './environment.js';
import { destroyLmdbStore, hasLmdbStore, type LmdbStore, makeLmdbStore, openLmdbStore } from './lmdb-store.js';
import type { LmdbStoreOptions } from './lmdb-store-options.js';

/** Makes the stores of one member in one directory. */
export class LmdbStoreMaker implements StoreMaker {
  private readonly clock: Clock;

  constructor(private readonly options: LmdbStoreOptions) {
    this.clock = options.clock ?? new SystemClock();
  }

  open(done: (error: AepError | undefined, store: Store | undefined) => void): void {
    this.settle(async () => (hasLmdbStore(this.options.path) ? openLmdbStore(this.options) : undefined), done);
  }

  create(origin: StoreOrigin, done: (error: AepError | undefined, making: StoreInTheMaking | undefined) => void): void {
    this.settle(async () => {
      const { store, endMaking } = await makeLmdbStore(this.options, origin);
      return new StoreFilling(store, this.clock, (made) => this.settle(async () => endMaking(), made));
    }, done);
  }

  copySnapshot(store: Store): CopySnapshot {
    return (store as LmdbStore).copySnapshot();
  }

  destroy(done: (error: AepError | undefined) => void): void {
    this.settle(() => destroyLmdbStore(this.options), done);
  }

  /** The callback comes from a turn of its own: what it throws is nobody's rejection. */
  private settle<T>(
    action: () => Promise<T | undefined>,
    done: (error: AepError | undefined, value: T | undefined) => void,
  ): void {
    action().then(
      (value) => this.clock.defer(() => done(undefined, value)),
      (thrown: unknown) => {
        const error = thrown instanceof AepError ? thrown : openFailed(this.options.path, toError(thrown));
        this.clock.defer(() => done(error, undefined));
      },
    );
  }
}
