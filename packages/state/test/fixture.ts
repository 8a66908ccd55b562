import { StateSpace, type StateSpaceOptions } from '@aep/state';
import { DurableTables } from './durable-tables.js';
import { OrderBook } from './order-book.js';

/** A state root over tables in memory, and an engine's calls on it. */
export class Fixture {
  space: StateSpace;
  book: OrderBook;
  lastTxId = 0;

  constructor(
    readonly tables = new DurableTables(),
    private readonly options: StateSpaceOptions = { checked: true },
  ) {
    this.lastTxId = tables.appliedTxId;
    this.space = new StateSpace(tables, options);
    this.book = new OrderBook(this.space);
  }

  /** One sealed transaction; answers the changes that it handed over. */
  transaction(handler: (book: OrderBook) => void): string[] {
    this.space.begin();
    handler(this.book);
    return this.seal();
  }

  seal(): string[] {
    const log: string[] = [];
    this.space.seal(++this.lastTxId, this.tables.sink(this.lastTxId, log));
    return log;
  }

  /** A transaction that is rolled back. */
  rolledBack(handler: (book: OrderBook) => void): void {
    this.space.begin();
    handler(this.book);
    this.space.rollback();
  }

  checkpoint(txId = this.lastTxId): void {
    this.tables.checkpoint(txId);
    this.space.checkpointed(txId);
  }

  /** A new process over the same tables, after recovery. */
  restart(): Fixture {
    this.tables.checkpoint(this.lastTxId);
    return new Fixture(this.tables, this.options);
  }
}

export function contentsOf(book: OrderBook): Record<string, [string, number]> {
  const contents: Record<string, [string, number]> = {};
  for (const [key, order] of book.orders.range()) contents[key] = [order.note, order.quantity];
  return contents;
}
