import type { AepError, Facts } from '@aep/kernel';
import type { Journal } from './journal.js';
import type { TableReader } from './tables.js';

/** What a store remembers of itself; written once, when it is made. */
export interface StoreIdentity {
  readonly formatVersion: number;
  readonly engineName: string;
  /** Tells receivers that sequence numbers begin anew (E51): the wall time (ms) of the making, or that of the group it joins. */
  readonly incarnation: number;
  /** Random, made with the store: a member that lost its disk is not the member it was (H3). */
  readonly memberId: string;
}

/** Reads as of one moment, without disturbing the writer. `close()` it: an open one keeps old pages from being reused (S9). */
export interface StoreSnapshot extends TableReader {
  readonly appliedTxId: number;
  close(): void;
}

/** Answer of {@link StateTables.apply}. */
export type ApplyResult = 'accepted' | 'busy';

/** A set of table changes, coalesced: one entry per key; an undefined value deletes. */
export interface TableChanges {
  readonly size: number;
  /** In order of table, then key. */
  [Symbol.iterator](): IterableIterator<{ tableId: number; key: Uint8Array; value: Uint8Array | undefined }>;
  /** In the same order, without an object per change: the one that is handed over is valid during the call only. */
  forEach(visit: (change: TableChange) => void): void;
}

/**
 * The key is `keyBytes[keyStart, keyEnd)`, to be copied during the call; the value likewise, but its bytes stay unchanged
 * until `apply` has called back.
 */
export interface TableChange {
  readonly tableId: number;
  readonly keyBytes: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** Undefined deletes. */
  readonly valueBytes: Uint8Array | undefined;
  /** Of the same bytes; made once for many changes, because making one takes longer than copying a value. */
  readonly valueView: DataView;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** The durable tables: a fold of the journal that lags behind it (E35). */
export interface StateTables extends TableReader {
  /** Everything up to this txId is in the tables; moves in the same transaction as what it covers. */
  readonly appliedTxId: number;
  /** One atomic change, durable or not there. One at a time: `busy` while another is under way. The callback comes from the event loop. */
  apply(changes: TableChanges, appliedTxId: number, done: (error: AepError | undefined) => void): ApplyResult;
  /** Where the tables can follow their journal on a thread of their own. */
  readonly background?: BackgroundFold;
  snapshot(): StoreSnapshot;
}

/** Folds the journal's own records into the tables of the same store, beside the event loop. */
export interface BackgroundFold {
  /** Asks for the thread, which takes a moment to come; true once it is there. */
  prepare(): boolean;
  /**
   * Brings the tables from where they are to `toTxId`, which is stable and whose records are all in the journal: in one
   * transaction, as {@link StateTables.apply}, and never beside one. The callback comes from the event loop, with the number
   * of entries that were written.
   */
  fold(toTxId: number, done: (error: AepError | undefined, entries: number) => void): ApplyResult;
}

/**
 * All durable things of one engine. Opened by a factory of its package (asynchronous, verified: S5), then synchronous with
 * callbacks. `close()` waits for the commit in flight.
 */
export interface Store {
  readonly identity: StoreIdentity;
  readonly journal: Journal;
  readonly tables: StateTables;
  /** The highest epoch in which this member may act or has promised not to (H4). */
  readonly epoch: number;
  /** Makes a new epoch durable before the callback comes. */
  setEpoch(epoch: number, done: (error: AepError | undefined) => void): void;
  /** Sizes, times and free space for status and metrics. */
  statistics(): Facts;
  close(): Promise<void>;
}
