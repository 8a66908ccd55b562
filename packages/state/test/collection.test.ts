import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentsOf, Fixture } from './fixture.js';

test('a handler reads its own writes (E62)', () => {
  const { space, book } = new Fixture();
  space.begin();
  book.orders.create('a').quantity = 3;
  assert.equal(book.orders.get('a')?.quantity, 3);
  assert.equal(book.orders.has('a'), true);
  assert.equal(book.orders.size, 1);
  assert.equal(book.orders.get('a'), book.orders.get('a'));
  assert.equal(book.orders.delete('a'), true);
  assert.equal(book.orders.get('a'), undefined);
  assert.equal(book.orders.has('a'), false);
  assert.equal(book.orders.delete('a'), false);
  assert.equal(book.orders.size, 0);
});

test('seal hands over what changed, once, by table and then by first change (E61)', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => {
    book.orders.create('old').quantity = 1;
    book.orders.create('untouched').quantity = 1;
  });
  const log = fixture.transaction((book) => {
    book.audit.push().note = 'line';
    book.orders.create('new').quantity = 1;
    book.orders.get('old')!.quantity = 2;
    book.orders.get('old')!.quantity = 3;
    book.orders.get('untouched');
    book.values.quantity = 1;
    book.orders.create('brief').quantity = 1;
    book.orders.delete('brief');
  });
  assert.deepEqual(log, [
    'put 0 0x00',
    'put 1 new',
    'put 1 old',
    'put 2 0x0000000000000000',
    'put 65280 0x00000002',
    'put 65280 0x00000001',
  ]);
});

test('a transaction that only reads hands over nothing', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => book.orders.create('a'));
  assert.deepEqual(
    fixture.transaction((book) => {
      book.orders.get('a');
      book.orders.get('b');
      contentsOf(book);
    }),
    [],
  );
});

test('rollback restores changed, created and deleted entries into the same objects (E21)', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => {
    book.orders.create('changed').quantity = 1;
    book.orders.create('deleted').note = 'é';
    book.orders.create('replaced').quantity = 9;
  });
  const before = contentsOf(fixture.book);
  const changed = fixture.book.orders.get('changed');
  fixture.rolledBack((book) => {
    book.orders.get('changed')!.quantity = 2;
    book.orders.create('created');
    book.orders.delete('deleted');
    book.orders.delete('replaced');
    book.orders.create('replaced').note = 'other';
    book.orders.delete('replaced');
  });
  assert.deepEqual(contentsOf(fixture.book), before);
  assert.equal(fixture.book.orders.size, 3);
  assert.equal(fixture.book.orders.get('changed'), changed);
  assert.deepEqual(
    fixture.transaction(() => {}),
    [],
  );
});

test('a deleted key created again has default values, and only the last state is handed over', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => {
    book.orders.create('a').note = 'first';
  });
  const log = fixture.transaction((book) => {
    book.orders.delete('a');
    assert.equal(book.orders.create('a').note, '');
    book.orders.get('a')!.quantity = 5;
  });
  assert.deepEqual(log, ['put 1 a', 'put 65280 0x00000001']);
  assert.deepEqual(contentsOf(fixture.restart().book), { a: ['', 5] });
});

test('create refuses a key that exists in memory or only in the durable table', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => book.orders.create('a'));
  fixture.transaction((book) => assert.throws(() => book.orders.create('a'), { code: 'AEP_STATE_KEY_EXISTS' }));
  const restarted = fixture.restart();
  restarted.transaction((book) => assert.throws(() => book.orders.create('a'), { code: 'AEP_STATE_KEY_EXISTS' }));
  assert.equal(restarted.book.orders.size, 1);
});

test('getOrCreate makes an entry once', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => {
    const order = book.orders.getOrCreate('a');
    assert.equal(book.orders.getOrCreate('a'), order);
  });
  assert.equal(fixture.book.orders.size, 1);
});

test('entries and sizes survive a restart without a scan (E61)', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => {
    for (let index = 0; index < 50; index++) book.orders.create(`k${index}`).quantity = index;
  });
  fixture.transaction((book) => book.orders.delete('k7'));
  const restarted = fixture.restart();
  const readsBefore = restarted.tables.reads;
  assert.equal(restarted.book.orders.size, 49);
  assert.equal(restarted.tables.reads - readsBefore, 1);
  assert.equal(restarted.book.orders.get('k8')?.quantity, 8);
  assert.equal(restarted.book.orders.get('k7'), undefined);
});

test('what is sealed but not checkpointed stays in memory, deletions too, however small the cache', () => {
  const fixture = new Fixture(undefined, { checked: true, cachedEntitiesMax: 1, heldEntitiesMax: 1 });
  fixture.transaction((book) => {
    for (let index = 0; index < 20; index++) book.orders.create(`k${index}`).quantity = index;
  });
  fixture.checkpoint();
  fixture.transaction((book) => {
    book.orders.delete('k3');
    book.orders.get('k4')!.quantity = 44;
  });
  for (let index = 10; index < 20; index++) fixture.transaction((book) => book.orders.get(`k${index}`));
  assert.equal(fixture.space.memory.cachedEntities, 1);
  assert.equal(fixture.book.orders.get('k3'), undefined);
  assert.equal(fixture.book.orders.get('k4')?.quantity, 44);
  fixture.checkpoint();
  assert.equal(fixture.space.memory.pinnedEntities, 0);
  assert.equal(fixture.book.orders.get('k3'), undefined);
  assert.equal(fixture.book.orders.get('k4')?.quantity, 44);
});

test('a checkpoint unpins what it covers and leaves what changed later', () => {
  const fixture = new Fixture(undefined, { checked: true, cachedEntitiesMax: 1, heldEntitiesMax: 1 });
  fixture.transaction((book) => (book.orders.create('a').quantity = 1));
  fixture.transaction((book) => (book.orders.create('b').quantity = 2));
  fixture.transaction((book) => (book.orders.get('a')!.quantity = 3));
  fixture.checkpoint(2);
  assert.equal(fixture.book.orders.get('b')?.quantity, 2);
  assert.equal(fixture.book.orders.get('a')?.quantity, 3);
  assert.deepEqual(fixture.space.memory, { cachedEntities: 1, pinnedEntities: 1 });
});

test('entries that are changed again and again between checkpoints are unpinned by the one that covers their last change', () => {
  const fixture = new Fixture(undefined, { checked: true, cachedEntitiesMax: 1, heldEntitiesMax: 1 });
  // More changes than entries by far, so that those which say nothing any more are left out on the way.
  for (let round = 0; round < 200; round++) {
    for (const key of ['hot', 'warm', `k${round}`]) {
      if (key === 'warm' && round % 10 !== 0) continue;
      fixture.transaction((book) => (book.orders.getOrCreate(key).quantity += 1));
    }
  }
  const { lastTxId } = fixture;
  // And the size of the collection, which each creation moves.
  assert.equal(fixture.space.memory.pinnedEntities, 202 + 1);
  fixture.checkpoint(lastTxId - 4);
  // k198, hot and k199 were changed by the last four transactions.
  assert.equal(fixture.space.memory.pinnedEntities, 3 + 1);
  fixture.checkpoint(lastTxId - 1);
  assert.equal(fixture.space.memory.pinnedEntities, 1 + 1);
  fixture.checkpoint(lastTxId);
  assert.equal(fixture.space.memory.pinnedEntities, 0);
  assert.equal(fixture.book.orders.get('hot')!.quantity, 200);
  assert.equal(fixture.book.orders.get('warm')!.quantity, 20);
});

test('a checkpoint while a handler has changed the entry leaves the change and its rollback intact', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => (book.orders.create('a').quantity = 1));
  fixture.space.begin();
  fixture.book.orders.get('a')!.quantity = 2;
  fixture.book.orders.create('b');
  fixture.checkpoint(1);
  assert.equal(fixture.book.orders.get('a')?.quantity, 2);
  fixture.space.rollback();
  assert.deepEqual(contentsOf(fixture.book), { a: ['', 1] });
  assert.equal(fixture.space.memory.pinnedEntities, 0);
});

test('when the sink refuses a change, the transaction is still open and can be rolled back', () => {
  const fixture = new Fixture();
  fixture.space.begin();
  fixture.book.orders.create('a').quantity = 1;
  const refuse = (): never => {
    throw new Error('the record is too large');
  };
  assert.throws(() => fixture.space.seal(1, { put: refuse, delete: refuse }), /too large/);
  assert.equal(fixture.space.inTransaction, true);
  fixture.space.rollback();
  assert.equal(fixture.book.orders.size, 0);
});

test('dropAll forgets what is in memory and reads the source anew', () => {
  const fixture = new Fixture();
  fixture.transaction((book) => {
    book.orders.create('a').quantity = 1;
    book.values.note = 'kept';
  });
  fixture.checkpoint();
  const { values } = fixture.book;
  fixture.transaction((book) => {
    book.orders.create('cut tail');
    book.values.note = 'cut tail';
    book.orders.delete('a');
  });
  fixture.space.dropAll();
  assert.deepEqual(contentsOf(fixture.book), { a: ['', 1] });
  assert.equal(fixture.book.orders.size, 1);
  assert.equal(fixture.book.values, values);
  assert.equal(values.note, 'kept');
  // The number of the cut transaction is used again.
  fixture.lastTxId = 1;
  fixture.transaction((book) => book.orders.create('b'));
  assert.equal(fixture.book.orders.size, 2);
});

test('the single values are always there, undone by rollback and durable', () => {
  const fixture = new Fixture();
  assert.equal(fixture.book.values.note, '');
  fixture.rolledBack((book) => (book.values.note = 'undone'));
  assert.equal(fixture.book.values.note, '');
  fixture.transaction((book) => (book.values.note = 'first'));
  fixture.rolledBack((book) => (book.values.note = 'undone'));
  assert.equal(fixture.book.values.note, 'first');
  assert.equal(fixture.restart().book.values.note, 'first');
});
