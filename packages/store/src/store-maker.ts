import type { AepError } from '@aep/kernel';
import type { RecordHash } from './journal.js';
import type { Store, StoreSnapshot } from './store.js';

/** One entry of a table on its way to another member. */
export interface CopiedEntry {
  readonly tableId: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The record after which a journal begins that does not begin at 1 (H12); txId 0 when it does. */
export interface StoreBase {
  /** Of that record; the first one in the journal will be `txId + 1` and carry `hash`. */
  readonly txId: number;
  readonly hash: RecordHash;
  /** Of that record: later ones carry this epoch or a higher one. */
  readonly epoch: number;
  /** At most `txId`. */
  readonly confirmedTxId: number;
}

/** With what a store is made. */
export interface StoreOrigin {
  /** Of the group (E51). @default a new one, as for a store without a group */
  readonly incarnation?: number;
  /** @default record 0: an empty journal that begins at 1 */
  readonly base?: StoreBase;
}

/**
 * A store that is being made. Its identity has a new `memberId`. Its journal works as always, from `base` on
 * (`firstTxId` = base + 1, `lastTxId`, `stableTxId` = base); nothing but `put` may touch its tables before `complete`.
 *
 * Until `complete` has called back, {@link StoreMaker.open} finds no store: a copy that was interrupted begins anew.
 */
export interface StoreInTheMaking {
  readonly store: Store;
  /** Adds entries to the tables. One call at a time; the callback comes from the event loop. The bytes are the caller's again then. */
  put(entries: readonly CopiedEntry[], done: (error: AepError | undefined) => void): void;
  /**
   * The tables hold everything up to `appliedTxId`, and the journal is stable up to there or further: durable with the
   * callback, from which on `store` is an ordinary one.
   */
  complete(appliedTxId: number, done: (error: AepError | undefined) => void): void;
  /** Gives it up and closes it; what lies on the disk is removed by the next `create`. */
  abandon(done: () => void): void;
}

/** A snapshot whose entries can be listed: what a state copy is made from. */
export interface CopySnapshot extends StoreSnapshot {
  /**
   * All entries of all tables, system tables included, in order of table, then key; those after `after` when given, so that
   * a copy goes on in another turn. Lazy; nothing is held between two calls but the snapshot itself.
   */
  entries(after?: { readonly tableId: number; readonly key: Uint8Array }): IterableIterator<CopiedEntry>;
}

/**
 * Where a member's store comes from: the one place that knows directories and media. All callbacks come from the event loop.
 * A store that it has given out is closed by the member (`Store.close`) before another one is asked for.
 */
export interface StoreMaker {
  /** Opens and verifies (S5) what is there; undefined when there is none, or only one that was never completed. */
  open(done: (error: AepError | undefined, store: Store | undefined) => void): void;
  /** Makes a new one in place of whatever is there: what was there is gone when the callback comes. */
  create(origin: StoreOrigin, done: (error: AepError | undefined, making: StoreInTheMaking | undefined) => void): void;
  /** As {@link Store.tables}`.snapshot()`, for a copy: without the deadline that other readers have. `close()` it. */
  copySnapshot(store: Store): CopySnapshot;
  /** Removes the store, durably: the disk holds none when the callback comes. */
  destroy(done: (error: AepError | undefined) => void): void;
}
