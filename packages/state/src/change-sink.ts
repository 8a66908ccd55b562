import type { TableReader } from '@aep/store';
import type { Entity } from '@aep/messages';

/**
 * The durable entries under a state space, as of the last checkpoint. A `TableReader` of `@aep/store` is one.
 *
 * Once `StateSpace.checkpointed(txId)` was called, `get` and every `range` opened afterwards must show what transactions
 * up to `txId` wrote: the space forgets those changes and reads them here.
 */
export type StateSource = TableReader;

/**
 * Takes the changes of a sealed transaction; the `RecordWriter` of `@aep/store` is one. Called once per changed entry,
 * in order of table, then of the entry's first change. Key and entity are read during the call only.
 */
export interface ChangeSink {
  put(tableId: number, key: Uint8Array, keyLength: number, entity: Entity): void;
  delete(tableId: number, key: Uint8Array, keyLength: number): void;
}
