import type { AepError } from '@aep/kernel';
import type { Stable, StateTables, Store } from '@aep/store';
import { WatchedTables } from './watched-tables.js';

/** Who uses a member's store at the moment. */
export interface StoreUser {
  /** Records up to here are durable here. */
  onDurable(txId: number): void;
}

/**
 * A member's open store. Its journal has one listener for good, this; its user changes with the role, so that a backup becomes
 * primary without opening the store anew.
 */
export class HeldStore {
  /** For whoever writes the tables and may end before a write does. */
  readonly tables: StateTables;
  private user: StoreUser | undefined;
  private error: AepError | undefined;
  private trimmedBeforeTxId = 0;

  /** @param onFailure a write failed: fatal for the member (H22). Once. */
  constructor(
    readonly store: Store,
    onFailure: (error: AepError) => void,
  ) {
    const failed = (error: AepError): void => {
      if (this.error !== undefined) return;
      this.error = error;
      onFailure(error);
    };
    this.tables = new WatchedTables(store.tables, failed);
    store.journal.listen({
      onStable: (mark: Stable) => this.user?.onDurable(mark.txId),
      onFailure: failed,
    });
  }

  get failure(): AepError | undefined {
    return this.error;
  }

  /**
   * The oldest record that can be counted on. The journal gives records up in small steps after it was asked to, so what lies
   * before the place that it was asked for may be gone at any moment.
   */
  get firstTxId(): number {
    return Math.max(this.store.journal.firstTxId, this.trimmedBeforeTxId);
  }

  /** All trimming goes through here. */
  trim(beforeTxId: number): void {
    const { journal } = this.store;
    // As the journal does: the newest durable record stays.
    const bounded = Math.min(beforeTxId, journal.stableTxId);
    if (bounded <= this.firstTxId) return;
    this.trimmedBeforeTxId = bounded;
    journal.trim(bounded);
  }

  /** From now on this one hears of the journal, and the one before does not. */
  usedBy(user: StoreUser | undefined): void {
    this.user = user;
  }
}
