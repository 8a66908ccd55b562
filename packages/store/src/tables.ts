/**
 * Durable state is a set of tables of ordered bytes: `(table id, key) -> value`. An application's collections use their
 * protobuf field number (0 for the values of the root); ids from {@link SYSTEM_TABLES_FROM} up belong to the engine.
 * All of them are folds of the journal (E35): a record says, in its sections, what changes in which table.
 */
export const Table = {
  /** The single values of a state root. */
  values: 0,
  /** Sizes of collections (written by the state package through ordinary changes). */
  collectionSizes: 0xff00,
  /** stream name -> incarnation and last sequence number seen (E51). */
  dedupe: 0xff01,
  /** flow or channel -> last sequence number given to an outbound message (E52). */
  sequences: 0xff02,
  /** timer id -> due time and message (E63). */
  timers: 0xff03,
  /** txId -> dead letter (E20). */
  deadLetters: 0xff04,
  /** idempotency key -> txId of the send that used it (E40). */
  idempotency: 0xff05,
  /** Chunks of the last snapshot of an event-sourced state (E60). */
  snapshot: 0xff06,
  /** Positions of registered journal readers (E103), and other small facts. */
  facts: 0xff07,
  /** One entry: a digest of an event-sourced state after the last transaction, where replays are compared (H11). */
  stateDigest: 0xff08,
} as const;

export const SYSTEM_TABLES_FROM = 0xff00;

/** Table ids have 16 bits. */
export const TABLE_ID_MAX = 0xffff;

/** The longest key of a table, in bytes (LMDB's limit less the table id). */
export const KEY_BYTES_MAX = 1_900;

/** Bounds of a scan in key order; all bounds are optional. The bytes are read during the call only. */
export interface RangeBytes {
  readonly gte?: Uint8Array;
  readonly gt?: Uint8Array;
  readonly lte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface TableEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Reads durable entries as of `appliedTxId`. What it returns is a copy that the caller may keep. */
export interface TableReader {
  get(tableId: number, key: Uint8Array): Uint8Array | undefined;
  /** Lazy; the iterator holds a read snapshot until it ends or `return()` is called. */
  range(tableId: number, options?: RangeBytes): IterableIterator<TableEntry>;
}

/** Where a fold puts its changes. Key and value are valid during the call only. */
export interface TableSink {
  put(tableId: number, key: Uint8Array, value: Uint8Array): void;
  delete(tableId: number, key: Uint8Array): void;
}
