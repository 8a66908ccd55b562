import { AepError, assert, type Clock } from '@aep/kernel';
import type { Store, TableChanges } from './store.js';
import { tableChanges } from './table-changes.js';
import type { CopiedEntry, StoreInTheMaking } from './store-maker.js';

/**
 * The making of a store on any medium: fills its tables, at the position of its base, and then lets the medium say that it
 * is complete. The position moves last, in a write of its own: until then the medium says that there is no store.
 */
export class StoreFilling implements StoreInTheMaking {
  private isAbandoned = false;
  private isPutting = false;

  /** @param endMaking makes durable that the store is complete */
  constructor(
    readonly store: Store,
    private readonly clock: Clock,
    private readonly endMaking: (done: (error: AepError | undefined) => void) => void,
  ) {}

  put(entries: readonly CopiedEntry[], done: (error: AepError | undefined) => void): void {
    this.apply(tableChanges(entries), this.store.tables.appliedTxId, done);
  }

  complete(appliedTxId: number, done: (error: AepError | undefined) => void): void {
    assert(appliedTxId <= this.store.journal.stableTxId, 'the tables of a store never lead its journal (E35)');
    this.apply(NO_CHANGES, appliedTxId, (error) => {
      if (error !== undefined) done(error);
      else this.endMaking(done);
    });
  }

  abandon(done: () => void): void {
    this.isAbandoned = true;
    this.store.close().then(done, done);
  }

  private apply(changes: TableChanges, appliedTxId: number, done: (error: AepError | undefined) => void): void {
    assert(!this.isPutting, 'a store in the making takes one batch at a time');
    this.isPutting = true;
    const attempt = (): void => {
      const result = this.isAbandoned
        ? 'abandoned'
        : this.store.tables.apply(changes, appliedTxId, (error) => {
            this.isPutting = false;
            done(error);
          });
      if (result === 'abandoned') done(abandoned());
      // No room on the volume (S4): it waits for the operator rather than fail. The store's log says it.
      else if (result === 'busy') this.clock.schedule(BUSY_RETRY_MS, attempt);
    };
    this.clock.defer(attempt);
  }
}

const NO_CHANGES = tableChanges([]);
const BUSY_RETRY_MS = 100;

function abandoned(): AepError {
  return new AepError('AEP_STORE_CLOSED', 'reject', 'the store in the making was given up: make another one');
}
