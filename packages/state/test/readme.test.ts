import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ChangeSink, StateSpace } from '@aep/state';
import { DurableTables } from './durable-tables.js';
import { OrderBook } from './order-book.js';

/** What the README shows, word for word between the marks. */
function example(tables: DurableTables, sinkFor: (txId: number) => ChangeSink): OrderBook {
  // [example]
  const space = new StateSpace(tables); // any TableReader of @aep/store
  const book = new OrderBook(space); // generated from the .proto, or written by hand

  space.begin();
  const order = book.orders.getOrCreate('O-1');
  order.quantity += 2; // the first setter call takes the pre-image
  const savepoint = space.savepoint();
  book.orders.create('O-2');
  book.audit.push().note = 'a second thought';
  space.rollbackTo(savepoint); // O-2 and the audit line never were
  space.seal(1, sinkFor(1)); // one put for O-1, one for the size of orders

  space.begin();
  for (const [id, each] of book.orders.range({ gte: 'O-', lt: 'P', limit: 100 })) {
    if (each.quantity === 0) book.orders.delete(id); // deleting while walking is fine
  }
  space.rollback();
  // [example]
  return book;
}

test('the example of the README runs as it is printed', () => {
  const tables = new DurableTables();
  const log: string[] = [];
  const book = example(tables, (txId) => tables.sink(txId, log));
  assert.deepEqual(log, ['put 1 O-1', 'put 65280 0x00000001']);
  assert.deepEqual([...book.orders.keys()], ['O-1']);
  const source = readFileSync(new URL('../../test/readme.test.ts', import.meta.url), 'utf8');
  const [, shown = ''] = source.split('  // [example]\n');
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(shown.replaceAll(/^ {2}/gm, '')), 'the README shows the example of this test');
});
