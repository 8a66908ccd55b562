import type { Entity } from '@aep/messages';
import type { EntityTable } from './entity-table.js';
import type { TableBounds } from './table-bounds.js';
import { outsideTransaction } from './state-errors.js';

/**
 * A durable first-in first-out queue (E61): `repeated Entity` of a state root. Elements lie in a table at positions that
 * only grow, and never are used twice.
 *
 * @example
 * state.audit.push().text = 'order accepted';
 * while (state.audit.size > 1_000) state.audit.shift();
 */
export class Queue<E extends Entity> {
  /** @internal made by `StateSpace.queue` */
  constructor(
    private readonly table: EntityTable,
    private readonly bounds: () => TableBounds,
  ) {}

  get name(): string {
    return this.table.name;
  }

  get size(): number {
    return this.bounds().size;
  }

  /**
   * A new element with default values at the end.
   * @throws AEP_STATE_OUTSIDE_TRANSACTION, AEP_STATE_TRANSACTION_TOO_LARGE
   */
  push(): E {
    const bounds = this.boundsToChange();
    const entity = this.table.createNew(bounds.end).entity as E;
    bounds.end++;
    return entity;
  }

  /** The element at the front; undefined when the queue is empty. */
  peek(): E | undefined {
    return this.at(0);
  }

  /**
   * Removes the element at the front; false when the queue is empty. An element peeked before keeps its values until the
   * handler ends, but refuses changes.
   * @throws AEP_STATE_OUTSIDE_TRANSACTION, AEP_STATE_TRANSACTION_TOO_LARGE
   */
  shift(): boolean {
    if (this.size === 0 && this.table.tracker.isOpen) return false;
    const bounds = this.boundsToChange();
    this.table.delete(bounds.first);
    bounds.first++;
    return true;
  }

  /** The element `index` places behind the front; undefined past the end and for what is no index. */
  at(index: number): E | undefined {
    const bounds = this.bounds();
    if (!Number.isInteger(index) || index < 0 || index >= bounds.size) return undefined;
    return this.table.get(bounds.first + index)?.entity as E | undefined;
  }

  /** From front to end, lazily. What is pushed meanwhile is met, what is shifted is not. */
  *[Symbol.iterator](): IterableIterator<E> {
    const bounds = this.bounds();
    for (let position = bounds.first; position < bounds.end; position = Math.max(position + 1, bounds.first)) {
      yield this.table.get(position)!.entity as E;
    }
  }

  private boundsToChange(): TableBounds {
    const { table } = this;
    const bounds = this.bounds();
    if (!table.tracker.isOpen) throw outsideTransaction({ table, key: bounds.first });
    // Announced before the entry changes: past this the bounds cannot fail, and move if and only if the entry did.
    bounds.$beforeChange();
    return bounds;
  }
}
