import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChangeSink, StateSpace } from '@aep/state';
import { OrderBook } from './gen/shop/orders.js';

function emptySpace(): StateSpace {
  return new StateSpace({ get: () => undefined, range: () => [].values() }, { checked: true });
}

/** Names of what a transaction hands over. */
class Recorder implements ChangeSink {
  readonly changes: string[] = [];
  put(tableId: number, _key: Uint8Array, _keyLength: number, entity: Parameters<ChangeSink['put']>[3]): void {
    this.changes.push(`put ${tableId} ${JSON.stringify(entity)}`);
  }
  delete(tableId: number): void {
    this.changes.push(`delete ${tableId}`);
  }
}

test('what a handler changes through a generated state root is sealed, values and embedded messages included (E61)', () => {
  const space = emptySpace();
  const book = OrderBook.$type.create(space);
  space.begin();
  const order = book.orders.create('o-1');
  order.orderId = 'o-1';
  order.shipTo.city = 'Bern';
  book.lines = 3n;
  book.totals.turnover = 1.5;
  book.haltedSymbols.push('X');
  book.audit.push().text = 'opened';
  const sink = new Recorder();
  space.seal(1, sink);
  const puts = sink.changes.filter((change) => /"orderId"|"text"|"lines"/.test(change)).toSorted();
  assert.deepEqual(puts, [
    'put 0 {"lines":"3","totals":{"turnover":1.5},"haltedSymbols":["X"]}',
    'put 1 {"orderId":"o-1","shipTo":{"city":"Bern"}}',
    'put 2 {"text":"opened"}',
  ]);
});

test('a rollback undoes changes deep inside of entities and single values (E21)', () => {
  const space = emptySpace();
  const book = OrderBook.$type.create(space);
  space.begin();
  book.orders.create('o-1').shipTo.city = 'Bern';
  book.totals.quantity = 5n;
  space.seal(1, new Recorder());
  space.begin();
  book.orders.get('o-1')!.shipTo.city = 'Basel';
  book.orders.get('o-1')!.labels.set('k', 'v');
  book.totals.quantity = 6n;
  space.rollback();
  space.begin();
  assert.deepEqual(book.orders.get('o-1')!.toJSON(), { shipTo: { city: 'Bern' } });
  assert.equal(book.totals.quantity, 5n);
});
