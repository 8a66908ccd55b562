import { AepError } from '@aep/kernel';
import type { Entity, EntityClass } from '@aep/messages';
import { isCheckedMode } from '@aep/messages/internal';
import { SYSTEM_TABLES_FROM, Table } from '@aep/store';
import type { ChangeSink, StateSource } from './change-sink.js';
import { ChangeTracker, type Savepoint } from './change-tracker.js';
import { Collection } from './collection.js';
import { EntityTable } from './entity-table.js';
import { EntryCache } from './entry-cache.js';
import type { KeyKind, StateKey, TableKeyKind } from './key-codec.js';
import { Queue } from './queue.js';
import { StateHash } from './state-hash.js';
import { TableBounds } from './table-bounds.js';
import { UndoLog } from './undo-log.js';

export interface StateSpaceOptions {
  /** Entities kept in memory that equal their durable bytes. Past it the least recently used leave. @default 100_000 */
  readonly cachedEntitiesMax?: number;
  /** Of those, entities that one transaction obtained and may still hold; past it the earliest expire. At least `cachedEntitiesMax` holds. @default 100_000 */
  readonly heldEntitiesMax?: number;
  /** Pre-images of one transaction; past it a change throws AEP_STATE_TRANSACTION_TOO_LARGE. @default 256 MiB */
  readonly undoBytesMax?: number;
  /** Reading an expired entity throws (E62). Changing one always does. @default the checked mode of `@aep/messages` */
  readonly checked?: boolean;
}

/**
 * The state of one engine in memory: a write-back cache with transactions over durable tables (E35, E61).
 *
 * One writer, one open transaction: `begin`, changes through collections, `seal` or `rollback`. Sealed changes stay in
 * memory until `checkpointed` says that the durable tables hold them; everything else is a bounded cache.
 * The source must be readable, at the state to start from, when the space is made and when `dropAll` is called.
 */
export class StateSpace {
  private readonly tracker: ChangeTracker;
  private readonly cache: EntryCache;
  private readonly tables = new Map<number, EntityTable>();
  private readonly boundsTable: EntityTable;

  /** @throws AEP_STATE_OPTIONS_INVALID */
  constructor(
    private readonly source: StateSource,
    options: StateSpaceOptions = {},
  ) {
    const { cachedEntitiesMax, heldEntitiesMax, undoBytesMax, checked } = concludeOptions(options);
    this.cache = new EntryCache(cachedEntitiesMax, heldEntitiesMax);
    this.tracker = new ChangeTracker(checked, this.cache, new UndoLog(undoBytesMax));
    this.boundsTable = this.makeTable(Table.collectionSizes, '$bounds', 'uint32', TableBounds);
  }

  /** The keyed collection of the table; `id` is its protobuf field number. @throws AEP_STATE_TABLE_INVALID */
  collection<K extends StateKey, E extends Entity>(
    id: number,
    name: string,
    keyKind: KeyKind,
    type: EntityClass<E>,
  ): Collection<K, E> {
    this.checkId(id, name);
    return new Collection<K, E>(this.makeTable(id, name, keyKind, type), this.boundsOf(id));
  }

  /** @throws AEP_STATE_TABLE_INVALID */
  queue<E extends Entity>(id: number, name: string, type: EntityClass<E>): Queue<E> {
    this.checkId(id, name);
    return new Queue<E>(this.makeTable(id, name, 'position', type), this.boundsOf(id));
  }

  /** The single values of the root: one entity that is always there and never expires. @throws AEP_STATE_TABLE_INVALID */
  values<E extends Entity>(type: EntityClass<E>): E {
    const table = this.makeTable(Table.values, 'values', 'bool', type);
    return table.permanent(VALUES_KEY).entity as E;
  }

  get inTransaction(): boolean {
    return this.tracker.isOpen;
  }

  /** Opens a transaction; what handlers obtained before is expired. */
  begin(): void {
    this.tracker.begin();
  }

  /** @throws AEP_STATE_TRANSACTION_TOO_LARGE at 10,000 savepoints */
  savepoint(): Savepoint {
    return this.tracker.savepoint();
  }

  /** Undoes what was changed since the savepoint, which stays valid (E36). @throws AEP_STATE_SAVEPOINT_INVALID */
  rollbackTo(savepoint: Savepoint): void {
    this.tracker.rollbackTo(savepoint);
  }

  /** Undoes and ends the transaction; nothing of it is left (E21). */
  rollback(): void {
    this.tracker.rollback();
  }

  /**
   * Ends the transaction: each entry it changed goes to the sink once, in its last state, in order of table, then of first
   * change. What was created and deleted again is not mentioned. When the sink throws, the transaction is still open.
   */
  seal(txId: number, sink: ChangeSink): void {
    this.tracker.seal(txId, sink);
  }

  /** The source holds all transactions up to this one; what they changed may leave memory. */
  checkpointed(appliedTxId: number): void {
    this.tracker.checkpointed(appliedTxId);
  }

  /** Forgets everything in memory and reads the source anew (role change). Not inside a transaction. */
  dropAll(): void {
    this.tracker.forget();
    for (const table of this.tables.values()) table.dropAll();
  }

  /**
   * A hash over all entries, equal for equal contents whatever their history (`verifyReplay`, fold equality). Reads and
   * hashes every entry: a scan of the whole durable state, about a second per million small entries. Nothing is cached by it.
   */
  stateHash(): string {
    const hash = new StateHash();
    for (const table of this.tables.values()) hash.addTable(table);
    return hash.digest();
  }

  /** Entities in memory that equal their durable bytes (bounded), and those that wait for a checkpoint (not bounded here). */
  get memory(): { readonly cachedEntities: number; readonly pinnedEntities: number } {
    return { cachedEntities: this.cache.cleanCount, pinnedEntities: this.cache.pinnedCount };
  }

  private makeTable(id: number, name: string, keyKind: TableKeyKind, entityClass: EntityClass): EntityTable {
    const taken = this.tables.get(id);
    if (taken !== undefined)
      throw tableInvalid(id, name, `"${taken.name}" has that number already: renumber one of them`);
    const table = new EntityTable({ id, name, keyKind, entityClass }, this.tracker, this.source);
    this.tables.set(id, table);
    return table;
  }

  private checkId(id: number, name: string): void {
    if (Number.isInteger(id) && id > 0 && id < SYSTEM_TABLES_FROM) return;
    throw tableInvalid(id, name, `expected a whole number from 1 to ${SYSTEM_TABLES_FROM - 1}`);
  }

  /** Read at first use: a root may have many collections that a process never touches. */
  private boundsOf(id: number): () => TableBounds {
    let bounds: TableBounds | undefined;
    return () => (bounds ??= this.boundsTable.permanent(id).entity as TableBounds);
  }
}

function concludeOptions(options: StateSpaceOptions): Required<StateSpaceOptions> {
  const cachedEntitiesMax = options.cachedEntitiesMax ?? 100_000;
  const heldEntitiesMax = Math.max(cachedEntitiesMax, options.heldEntitiesMax ?? 100_000);
  const undoBytesMax = options.undoBytesMax ?? 256 * 1024 * 1024;
  for (const [name, value] of Object.entries({ cachedEntitiesMax, heldEntitiesMax, undoBytesMax })) {
    if (!Number.isSafeInteger(value) || value < 1) throw optionsInvalid(name, value);
  }
  return { cachedEntitiesMax, heldEntitiesMax, undoBytesMax, checked: options.checked ?? isCheckedMode() };
}

function optionsInvalid(name: string, value: number): AepError {
  return new AepError(
    'AEP_STATE_OPTIONS_INVALID',
    'reject',
    `state.${name}: expected a whole number from 1, got ${value}`,
    {
      option: name,
      value,
    },
  );
}

function tableInvalid(id: number, name: string, problem: string): AepError {
  return new AepError('AEP_STATE_TABLE_INVALID', 'reject', `collection "${name}" with number ${id}: ${problem}`, {
    collection: name,
    tableId: id,
  });
}

/** The one key of the values' table; encodes to one zero byte. */
const VALUES_KEY = false;
