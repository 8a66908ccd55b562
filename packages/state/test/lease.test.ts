import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fixture } from './fixture.js';
import type { Order } from './order.js';

test('an entity read in a handler cannot be read after it, nor in the next one (E62)', () => {
  const fixture = new Fixture();
  let order!: Order;
  fixture.transaction((book) => (order = book.orders.create('a')));
  assert.throws(() => order.quantity, { code: 'AEP_STATE_ENTITY_EXPIRED' });
  fixture.space.begin();
  assert.throws(() => order.quantity, { code: 'AEP_STATE_ENTITY_EXPIRED' });
  assert.equal(fixture.book.orders.get('a'), order);
  assert.equal(order.quantity, 0);
});

test('an expired entity refuses changes without checked mode too, as they might be lost', () => {
  const fixture = new Fixture(undefined, { checked: false });
  let order!: Order;
  fixture.transaction((book) => (order = book.orders.create('a')));
  fixture.space.begin();
  assert.equal(order.quantity, 0);
  assert.throws(() => (order.quantity = 1), { code: 'AEP_STATE_ENTITY_EXPIRED' });
});

test('an entity whose creation was rolled back is expired', () => {
  const fixture = new Fixture();
  fixture.space.begin();
  const savepoint = fixture.space.savepoint();
  const order = fixture.book.orders.create('a');
  fixture.space.rollbackTo(savepoint);
  assert.throws(() => order.quantity, { code: 'AEP_STATE_ENTITY_EXPIRED' });
  assert.throws(() => (order.quantity = 1), { code: 'AEP_STATE_ENTITY_EXPIRED' });
});

test('a deleted entity can be read until the handler ends, but not changed', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => (book.orders.create('a').quantity = 7));
  fixture.transaction((book) => {
    const order = book.orders.get('a')!;
    order.quantity = 8;
    book.orders.delete('a');
    assert.equal(order.quantity, 8);
    assert.throws(() => (order.quantity = 9), { code: 'AEP_STATE_ENTITY_DELETED' });
  });
});

test('changes outside a transaction are refused, reads are not', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => {
    book.orders.create('a');
    book.audit.push();
  });
  const outside = { code: 'AEP_STATE_OUTSIDE_TRANSACTION' };
  const order = fixture.book.orders.get('a')!;
  assert.equal(order.quantity, 0);
  assert.throws(() => (order.quantity = 1), outside);
  assert.throws(() => fixture.book.orders.create('b'), outside);
  assert.throws(() => fixture.book.orders.delete('a'), outside);
  assert.throws(() => (fixture.book.values.note = 'x'), outside);
  assert.throws(() => fixture.book.audit.push(), outside);
  assert.throws(() => fixture.book.audit.shift(), outside);
  assert.equal(fixture.book.orders.size, 1);
});

test('a handler may read more entities than may be held: the earliest expire, the values of the rest stand', () => {
  const fixture = new Fixture(undefined, { checked: true, cachedEntitiesMax: 4, heldEntitiesMax: 8 });
  fixture.transaction((book) => {
    for (let index = 0; index < 100; index++) book.orders.create(`k${index}`).quantity = index;
  });
  fixture.checkpoint();
  fixture.space.begin();
  const held: Order[] = [];
  for (const [, order] of fixture.book.orders.range()) held.push(order);
  assert.equal(held.length, 100);
  assert.equal(fixture.space.memory.cachedEntities, 8);
  assert.throws(() => held[0]!.quantity, { code: 'AEP_STATE_ENTITY_EXPIRED' });
  assert.throws(() => (held[0]!.quantity = 1), { code: 'AEP_STATE_ENTITY_EXPIRED' });
  for (const order of held.slice(-4)) order.quantity += 1;
  assert.equal(fixture.seal().length, 4);
  assert.ok(fixture.space.memory.cachedEntities <= 4);
});

test('the cache keeps what is used and drops what is not', () => {
  const fixture = new Fixture(undefined, { cachedEntitiesMax: 10, heldEntitiesMax: 10 });
  fixture.transaction((book) => {
    for (let index = 0; index < 100; index++) book.orders.create(`k${index}`);
  });
  fixture.checkpoint();
  fixture.transaction((book) => book.orders.get('k0'));
  for (let index = 1; index < 100; index++) {
    fixture.transaction((book) => book.orders.get(`k${index}`));
    const before = fixture.tables.reads;
    fixture.transaction((book) => book.orders.get('k0'));
    assert.equal(fixture.tables.reads, before, `k0 was read again after k${index}`);
  }
});

test('a scan past what may be held costs the same per entry', () => {
  const fixture = new Fixture(undefined, { cachedEntitiesMax: 1_000, heldEntitiesMax: 20_000 });
  fixture.transaction((book) => {
    for (let index = 0; index < 60_000; index++) book.orders.create(String(index));
  });
  fixture.checkpoint();
  fixture.space.begin();
  const startedAt = performance.now();
  let met = 0;
  for (const [, order] of fixture.book.orders.range()) met += order.quantity + 1;
  assert.equal(met, 60_000);
  assert.equal(fixture.space.memory.cachedEntities, 20_000);
  // Looking round the whole clock for each entry would take minutes.
  assert.ok(performance.now() - startedAt < 5_000);
});

test('the entity read last is the last to expire, whatever was read, changed or checkpointed before', () => {
  for (let heldEntitiesMax = 2; heldEntitiesMax <= 9; heldEntitiesMax++) {
    const fixture = new Fixture(undefined, { checked: true, cachedEntitiesMax: 2, heldEntitiesMax });
    fixture.transaction((book) => {
      for (let index = 0; index < 40; index++) book.orders.create(`k${index}`);
    });
    fixture.checkpoint();
    for (let round = 0; round < 10; round++) {
      fixture.transaction((book) => {
        let previous: Order | undefined;
        for (const [, order] of book.orders.range({ limit: 10 + 3 * round })) {
          assert.equal(typeof previous?.note, previous === undefined ? 'undefined' : 'string');
          previous = order;
        }
        book.orders.get(`k${round}`)!.quantity++;
      });
      if (round % 3 === 0) fixture.checkpoint();
    }
  }
});
