import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentsOf, Fixture } from './fixture.js';

test('rollbackTo undoes what came after the savepoint and keeps what came before (E36)', () => {
  const fixture = new Fixture();
  fixture.space.begin();
  fixture.book.orders.create('a').quantity = 1;
  const savepoint = fixture.space.savepoint();
  fixture.book.orders.get('a')!.quantity = 2;
  fixture.book.orders.create('b');
  fixture.book.audit.push();
  fixture.space.rollbackTo(savepoint);
  assert.deepEqual(contentsOf(fixture.book), { a: ['', 1] });
  assert.equal(fixture.book.audit.size, 0);
  assert.deepEqual(fixture.seal(), ['put 1 a', 'put 65280 0x00000001']);
});

test('a savepoint can be rolled back to again and again', () => {
  const fixture = new Fixture();
  fixture.space.begin();
  const order = fixture.book.orders.create('a');
  const savepoint = fixture.space.savepoint();
  for (let attempt = 1; attempt <= 3; attempt++) {
    order.quantity = attempt;
    fixture.space.rollbackTo(savepoint);
    assert.equal(order.quantity, 0);
  }
});

test('savepoints nest; rolling back to an outer one ends the inner ones', () => {
  const fixture = new Fixture();
  fixture.space.begin();
  const order = fixture.book.orders.create('a');
  const outer = fixture.space.savepoint();
  order.quantity = 1;
  const inner = fixture.space.savepoint();
  order.quantity = 2;
  fixture.space.rollbackTo(inner);
  assert.equal(order.quantity, 1);
  fixture.space.rollbackTo(outer);
  assert.equal(order.quantity, 0);
  assert.throws(() => fixture.space.rollbackTo(inner), { code: 'AEP_STATE_SAVEPOINT_INVALID' });
});

test('a savepoint of an earlier transaction is refused', () => {
  const fixture = new Fixture();
  fixture.space.begin();
  const old = fixture.space.savepoint();
  fixture.seal();
  assert.throws(() => fixture.space.rollbackTo(old), { code: 'AEP_STATE_SAVEPOINT_INVALID' });
  fixture.space.begin();
  fixture.space.savepoint();
  assert.throws(() => fixture.space.rollbackTo(old), { code: 'AEP_STATE_SAVEPOINT_INVALID' });
});

test('a transaction has a bounded number of savepoints', () => {
  const fixture = new Fixture();
  fixture.space.begin();
  for (let index = 0; index < 10_000; index++) fixture.space.savepoint();
  assert.throws(() => fixture.space.savepoint(), { code: 'AEP_STATE_TRANSACTION_TOO_LARGE' });
});

test('a transaction too large to undo is refused at the change, and undone as far as it came', () => {
  const fixture = new Fixture(undefined, { undoBytesMax: 512 * 1024 });
  fixture.transaction((book) => {
    for (let index = 0; index < 20; index++) book.orders.create(`k${index}`).note = 'x'.repeat(50_000);
  });
  fixture.space.begin();
  let changed = 0;
  assert.throws(
    () => {
      for (; changed < 20; changed++) fixture.book.orders.get(`k${changed}`)!.note = 'y';
    },
    { code: 'AEP_STATE_TRANSACTION_TOO_LARGE' },
  );
  assert.ok(changed > 1, `${changed} changes were accepted`);
  fixture.space.rollback();
  for (const [, order] of fixture.book.orders.range()) assert.equal(order.note.length, 50_000);
});
