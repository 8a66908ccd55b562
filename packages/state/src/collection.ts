import type { Entity } from '@aep/messages';
import type { EntityTable } from './entity-table.js';
import type { StateKey } from './key-codec.js';
import { type KeyRange, MergedRange } from './merged-range.js';
import { outsideTransaction } from './state-errors.js';
import type { TableBounds } from './table-bounds.js';

/**
 * A durable map in order of key (E61): `map<K, Entity>` of a state root. May be larger than memory.
 *
 * Inside a handler it shows the handler's own changes (E62). Outside, it shows the last sealed transaction and refuses
 * changes. Entities are the collection's: use them until the handler ends, keep the key for later.
 *
 * @example
 * const order = state.orders.getOrCreate(message.orderId);
 * order.quantity += message.quantity;
 * for (const [id, order] of state.orders.range({ gte: 'A', lt: 'B', limit: 100 })) …
 */
export class Collection<K extends StateKey, E extends Entity> {
  /** @internal made by `StateSpace.collection` */
  constructor(
    private readonly table: EntityTable,
    private readonly bounds: () => TableBounds,
  ) {}

  get name(): string {
    return this.table.name;
  }

  /** Number of entries: a durable counter, not a scan. */
  get size(): number {
    return this.bounds().size;
  }

  /** The same object for the same key within a handler. @throws AEP_STATE_KEY_INVALID */
  get(key: K): E | undefined {
    return this.table.get(key)?.entity as E | undefined;
  }

  /** Cheaper than `get` for a key that is not in memory: nothing is decoded. @throws AEP_STATE_KEY_INVALID */
  has(key: K): boolean {
    return this.table.has(key);
  }

  /**
   * A new entity with default values. A key deleted before in the same transaction gets its old object again, reset.
   *
   * @throws AEP_STATE_KEY_EXISTS, AEP_STATE_KEY_INVALID
   * @throws AEP_STATE_OUTSIDE_TRANSACTION
   * @throws AEP_STATE_TRANSACTION_TOO_LARGE when the transaction cannot be undone any more
   */
  create(key: K): E {
    const { table } = this;
    if (!table.tracker.isOpen) throw outsideTransaction({ table, key });
    const bounds = this.bounds();
    // Announced first: past this the counter cannot fail, and it moves if and only if the entry is there.
    bounds.$beforeChange();
    const entity = table.create(key).entity as E;
    bounds.end++;
    return entity;
  }

  /** @throws as `create`, save AEP_STATE_KEY_EXISTS */
  getOrCreate(key: K): E {
    return this.get(key) ?? this.create(key);
  }

  /**
   * False when there is no such key. The entity keeps its values for who holds it until the handler ends, but refuses changes.
   * @throws AEP_STATE_KEY_INVALID, AEP_STATE_OUTSIDE_TRANSACTION, AEP_STATE_TRANSACTION_TOO_LARGE
   */
  delete(key: K): boolean {
    const { table } = this;
    if (!table.tracker.isOpen) throw outsideTransaction({ table, key });
    if (table.get(key) === undefined) return false;
    const bounds = this.bounds();
    bounds.$beforeChange();
    table.delete(key);
    bounds.end--;
    return true;
  }

  /**
   * Entries in key order, lazily. The collection may be changed while it is walked: what is created or deleted ahead of the
   * walk is seen or not seen accordingly, what happens behind it makes no difference; so does a rollback.
   * A walk ends with its handler.
   *
   * One handler may hold `heldEntitiesMax` entities it only reads; walking past that is possible, but the earliest expire.
   *
   * @throws AEP_STATE_RANGE_INVALID, AEP_STATE_KEY_INVALID at the call
   * @throws AEP_STATE_RANGE_EXPIRED when stepped after its handler
   */
  range(options: KeyRange<K> = {}): IterableIterator<[K, E]> {
    return walkEntries<K, E>(new MergedRange(this.table, options));
  }

  /** As {@link range}, but reads no entity. */
  keys(options: KeyRange<K> = {}): IterableIterator<K> {
    return walkKeys<K>(new MergedRange(this.table, options));
  }
}

function* walkEntries<K extends StateKey, E extends Entity>(range: MergedRange): Generator<[K, E], void> {
  try {
    while (range.advance()) yield [range.key as K, range.entry().entity as E];
  } finally {
    range.close();
  }
}

function* walkKeys<K extends StateKey>(range: MergedRange): Generator<K, void> {
  try {
    while (range.advance()) yield range.key as K;
  } finally {
    range.close();
  }
}
