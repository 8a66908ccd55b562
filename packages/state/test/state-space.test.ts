import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeStateEntry, encodeStateKey, StateHash, StateSpace } from '@aep/state';
import { RecordWriter } from '@aep/store';
import { DurableTables } from './durable-tables.js';
import { Fixture } from './fixture.js';
import { Order } from './order.js';
import { OrderBook } from './order-book.js';

test('collections with the same number, or a number out of range, are refused by name', () => {
  const space = new StateSpace(new DurableTables());
  space.collection(1, 'orders', 'string', Order);
  assert.throws(() => space.queue(1, 'audit', Order), {
    code: 'AEP_STATE_TABLE_INVALID',
    message: /"audit".*"orders"/,
  });
  for (const id of [0, -1, 1.5, 0xff00]) {
    assert.throws(() => space.collection(id, 'x', 'string', Order), { code: 'AEP_STATE_TABLE_INVALID' });
  }
});

test('options out of range are refused by name', () => {
  for (const options of [{ cachedEntitiesMax: 0 }, { undoBytesMax: 1.5 }, { cachedEntitiesMax: NaN }]) {
    const name = Object.keys(options)[0]!;
    assert.throws(() => new StateSpace(new DurableTables(), options), {
      code: 'AEP_STATE_OPTIONS_INVALID',
      message: new RegExp(name),
    });
  }
});

test('transactions do not nest, and seal and rollback need an open one', () => {
  const { space } = new Fixture();
  assert.throws(() => space.rollback(), { code: 'AEP_ASSERTION' });
  space.begin();
  assert.throws(() => space.begin(), { code: 'AEP_ASSERTION' });
  assert.throws(() => space.dropAll(), { code: 'AEP_ASSERTION' });
});

test('stored bytes that do not fit the type are reported with collection and key, and nothing is lost', () => {
  const tables = new DurableTables();
  const space = new StateSpace(tables);
  const orders = space.collection<string, Order>(1, 'orders', 'string', Order);
  tables.put(1, Buffer.from('a'), Uint8Array.of(0xff));
  assert.throws(() => orders.get('a'), { code: 'AEP_STATE_ENTRY_INVALID', message: /"a" of orders/ });
  assert.deepEqual([...orders.keys()], ['a']);
  tables.put(0xff00, Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0x08, 5));
  assert.throws(() => orders.size, { code: 'AEP_STATE_ENTRY_INVALID' });
});

test('the hash of the state does not depend on how it came about', () => {
  const one = new Fixture();
  one.transaction(({ orders }) => (orders.create('a').note = 'x'));
  one.checkpoint();
  one.transaction(({ orders, audit, values }) => {
    orders.create('b').quantity = 2;
    orders.create('c');
    audit.push().note = 'line';
    values.note = 'v';
  });
  one.transaction(({ orders }) => orders.delete('c'));
  const other = new Fixture();
  other.transaction(({ orders, audit, values }) => {
    values.note = 'v';
    audit.push().note = 'line';
    orders.create('b').quantity = 2;
    orders.create('a').note = 'x';
  });
  const hash = other.space.stateHash();
  assert.equal(one.space.stateHash(), hash);
  one.checkpoint();
  assert.equal(one.space.stateHash(), hash);
  assert.equal(one.restart().space.stateHash(), hash);
  one.transaction(({ orders }) => (orders.get('a')!.quantity = 1));
  assert.notEqual(one.space.stateHash(), hash);
});

test('the hash tells keys from values and tables apart', () => {
  const digests = new Set<string>();
  for (const [table, key, value] of [
    [1, 'ab', 'c'],
    [1, 'a', 'bc'],
    [2, 'ab', 'c'],
    [1, '', 'abc'],
    [1, 'abc', ''],
  ] as const) {
    const hash = new StateHash();
    hash.add(table, Buffer.from(key), Buffer.from(value));
    digests.add(hash.digest());
  }
  assert.equal(digests.size, 5);
});

test('stored entries are decoded for tools with the names and kinds of the root', () => {
  const fixture = new Fixture();
  fixture.transaction(({ orders, audit, values }) => {
    orders.create('a').quantity = 3;
    audit.push().note = 'line';
    values.note = 'v';
  });
  fixture.checkpoint();
  const shown = [0, 1, 2, 0xff00, 7].flatMap((tableId) =>
    Array.from(fixture.tables.range(tableId), ({ key, value }) =>
      decodeStateEntry(OrderBook.$type, tableId, key, value),
    ),
  );
  assert.deepEqual(shown, [
    { tableId: 0, collection: 'values', kind: 'values', key: undefined, value: { note: 'v', quantity: 0 } },
    { tableId: 1, collection: 'orders', kind: 'collection', key: 'a', value: { note: '', quantity: 3 } },
    { tableId: 2, collection: 'audit', kind: 'queue', key: 0, value: { note: 'line', quantity: 0 } },
    { tableId: 0xff00, collection: 'orders', kind: 'bounds', key: undefined, value: { first: 0, end: 1 } },
    { tableId: 0xff00, collection: 'audit', kind: 'bounds', key: undefined, value: { first: 0, end: 1 } },
  ]);
  assert.equal(decodeStateEntry(OrderBook.$type, 7, new Uint8Array(), new Uint8Array()), undefined);
  assert.throws(() => decodeStateEntry(OrderBook.$type, 1, Buffer.from('a'), Uint8Array.of(0xff)), {
    code: 'AEP_STATE_ENTRY_INVALID',
  });
  const orders = OrderBook.$type.collections[1]!;
  assert.equal(fixture.tables.get(1, encodeStateKey(orders, 'a')) !== undefined, true);
});

test('the record writer of the store is a sink', () => {
  const { space, book } = new Fixture();
  const writer = new RecordWriter();
  space.begin();
  book.orders.create('a').note = 'x';
  writer.begin(1, 1, 1, 0);
  space.seal(1, writer);
  assert.ok(Buffer.from(writer.bytes.subarray(0, writer.length)).includes('\x01a\x0a\x01x'));
});
