import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentsOf, Fixture } from './fixture.js';

/** Keys b, d, f, h durable; then c created, d deleted, f changed and not checkpointed. */
function mixed(): Fixture {
  const fixture = new Fixture();
  fixture.transaction(({ orders }) => {
    for (const key of ['b', 'd', 'f', 'h']) orders.create(key).note = key;
  });
  fixture.checkpoint();
  fixture.transaction(({ orders }) => {
    orders.create('c').note = 'c';
    orders.delete('d');
    orders.get('f')!.note = 'changed';
  });
  return fixture;
}

test('a range merges durable entries with created, deleted and changed ones in key order (E61)', () => {
  const { book } = mixed();
  assert.deepEqual(
    Array.from(book.orders.range(), ([key, order]) => `${key}=${order.note}`),
    ['b=b', 'c=c', 'f=changed', 'h=h'],
  );
  assert.deepEqual([...book.orders.keys({ reverse: true })], ['h', 'f', 'c', 'b']);
});

test('bounds, direction and limit of a range', () => {
  const { orders } = mixed().book;
  assert.deepEqual([...orders.keys({ gte: 'c' })], ['c', 'f', 'h']);
  assert.deepEqual([...orders.keys({ gt: 'c' })], ['f', 'h']);
  assert.deepEqual([...orders.keys({ lte: 'f' })], ['b', 'c', 'f']);
  assert.deepEqual([...orders.keys({ lt: 'f' })], ['b', 'c']);
  assert.deepEqual([...orders.keys({ gt: 'b', lt: 'h', reverse: true })], ['f', 'c']);
  assert.deepEqual([...orders.keys({ gte: 'c', lte: 'c', reverse: true })], ['c']);
  assert.deepEqual([...orders.keys({ gt: 'c', lt: 'c' })], []);
  assert.deepEqual([...orders.keys({ gte: 'h', lte: 'b' })], []);
  assert.deepEqual([...orders.keys({ limit: 2 })], ['b', 'c']);
  assert.deepEqual([...orders.keys({ limit: 2, reverse: true })], ['h', 'f']);
  assert.deepEqual([...orders.keys({ limit: 0 })], []);
});

test('a bound that makes no sense is refused at the call', () => {
  const { orders } = mixed().book;
  assert.throws(() => orders.range({ gte: 'a', gt: 'b' }), { code: 'AEP_STATE_RANGE_INVALID' });
  assert.throws(() => orders.range({ lte: 'a', lt: 'b' }), { code: 'AEP_STATE_RANGE_INVALID' });
  assert.throws(() => orders.range({ limit: -1 }), { code: 'AEP_STATE_RANGE_INVALID' });
  assert.throws(() => orders.range({ gte: 5 as unknown as string }), { code: 'AEP_STATE_KEY_INVALID' });
});

test('a range with a limit reads no more durable entries than it needs', () => {
  const fixture = new Fixture();
  fixture.transaction(({ orders }) => {
    for (let index = 0; index < 1000; index++) orders.create(`k${index}`);
  });
  const { book, tables } = fixture.restart();
  const before = tables.reads;
  assert.equal([...book.orders.range({ limit: 10 })].length, 10);
  assert.ok(tables.reads - before <= 11, `${tables.reads - before} entries were read`);
});

test('every entry may be deleted while it is walked', () => {
  const fixture = mixed();
  fixture.transaction(({ orders }) => {
    for (const [key] of orders.range()) orders.delete(key);
    assert.equal(orders.size, 0);
  });
  assert.deepEqual(contentsOf(fixture.restart().book), {});
});

test('what is created or deleted ahead of a walk counts, what happens behind it does not', () => {
  const fixture = mixed();
  fixture.transaction(({ orders }) => {
    const met: string[] = [];
    for (const [key] of orders.range()) {
      met.push(key);
      if (key === 'c') {
        orders.create('a');
        orders.create('cc');
        orders.create('z');
        orders.delete('b');
        orders.delete('h');
      }
    }
    assert.deepEqual(met, ['b', 'c', 'cc', 'f', 'z']);
  });
});

test('a rollback inside a walk is seen by its next steps', () => {
  const fixture = mixed();
  fixture.transaction(({ orders }) => {
    const savepoint = fixture.space.savepoint();
    orders.create('e');
    orders.delete('h');
    orders.get('f')!.note = 'undone';
    const met: string[] = [];
    for (const [key, order] of orders.range()) {
      met.push(`${key}=${order.note}`);
      if (key === 'c') fixture.space.rollbackTo(savepoint);
    }
    assert.deepEqual(met, ['b=b', 'c=c', 'f=changed', 'h=h']);
  });
});

test('a checkpoint inside a walk (an async handler that waits) loses and repeats nothing', () => {
  const fixture = mixed();
  fixture.transaction(({ orders }) => {
    const met: string[] = [];
    for (const [key, order] of orders.range()) {
      met.push(`${key}=${order.note}`);
      if (key === 'b') fixture.checkpoint();
    }
    assert.deepEqual(met, ['b=b', 'c=c', 'f=changed', 'h=h']);
  });
  assert.equal(fixture.tables.openIterators, 0);
});

test('a walk lets go of its read snapshot at its end, at break, and when the transaction ends', () => {
  const fixture = mixed();
  fixture.space.begin();
  assert.equal([...fixture.book.orders.keys()].length, 4);
  assert.equal(fixture.tables.openIterators, 0);
  for (const key of fixture.book.orders.keys()) if (key === 'c') break;
  assert.equal(fixture.tables.openIterators, 0);
  const abandoned = fixture.book.orders.range();
  abandoned.next();
  assert.equal(fixture.tables.openIterators, 1);
  fixture.seal();
  assert.equal(fixture.tables.openIterators, 0);
  assert.throws(() => abandoned.next(), { code: 'AEP_STATE_RANGE_EXPIRED' });
});

test('a walk made in one transaction cannot begin in the next', () => {
  const fixture = mixed();
  fixture.space.begin();
  const range = fixture.book.orders.range();
  fixture.seal();
  fixture.space.begin();
  assert.throws(() => range.next(), { code: 'AEP_STATE_RANGE_EXPIRED' });
});
