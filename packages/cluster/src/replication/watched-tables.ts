import type { AepError } from '@aep/kernel';
import type {
  ApplyResult,
  BackgroundFold,
  RangeBytes,
  StateTables,
  StoreSnapshot,
  TableChanges,
  TableEntry,
} from '@aep/store';

/**
 * A member's tables as an engine gets them: the member hears of a write that fails, whatever becomes of the engine meanwhile. One
 * that is being ended for another reason would have no way to say it, and the member would go on with a disk that has failed (H22).
 */
export class WatchedTables implements StateTables {
  readonly background: BackgroundFold | undefined;

  constructor(
    private readonly tables: StateTables,
    private readonly onFailure: (error: AepError) => void,
  ) {
    const { background } = tables;
    this.background = background && {
      prepare: () => background.prepare(),
      fold: (toTxId, done) =>
        background.fold(toTxId, (error, entries) => {
          if (error !== undefined) this.onFailure(error);
          done(error, entries);
        }),
    };
  }

  get appliedTxId(): number {
    return this.tables.appliedTxId;
  }

  get(tableId: number, key: Uint8Array): Uint8Array | undefined {
    return this.tables.get(tableId, key);
  }

  range(tableId: number, options?: RangeBytes): IterableIterator<TableEntry> {
    return this.tables.range(tableId, options);
  }

  apply(changes: TableChanges, appliedTxId: number, done: (error: AepError | undefined) => void): ApplyResult {
    return this.tables.apply(changes, appliedTxId, (error) => {
      if (error !== undefined) this.onFailure(error);
      done(error);
    });
  }

  snapshot(): StoreSnapshot {
    return this.tables.snapshot();
  }
}
