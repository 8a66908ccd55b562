import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fixture } from './fixture.js';

test('a queue is first in, first out', () => {
  const fixture = new Fixture();
  fixture.transaction(({ audit }) => {
    for (const note of ['a', 'b', 'c']) audit.push().note = note;
    assert.equal(audit.size, 3);
    assert.equal(audit.peek()?.note, 'a');
    assert.equal(audit.at(2)?.note, 'c');
    assert.equal(audit.at(3), undefined);
    assert.equal(audit.at(-1), undefined);
    assert.equal(audit.at(0.5), undefined);
    assert.equal(audit.shift(), true);
    assert.deepEqual(
      Array.from(audit, (line) => line.note),
      ['b', 'c'],
    );
  });
});

test('shift of an empty queue is false', () => {
  const fixture = new Fixture();
  fixture.transaction(({ audit }) => {
    assert.equal(audit.shift(), false);
    assert.equal(audit.peek(), undefined);
  });
});

test('a peeked element keeps its values after shift', () => {
  const fixture = new Fixture();
  fixture.transaction(({ audit }) => (audit.push().note = 'a'));
  fixture.transaction(({ audit }) => {
    const line = audit.peek()!;
    audit.shift();
    assert.equal(line.note, 'a');
  });
});

test('rollback gives back shifted elements and takes back pushed ones (E21)', () => {
  const fixture = new Fixture();
  fixture.transaction(({ audit }) => {
    audit.push().note = 'a';
    audit.push().note = 'b';
  });
  fixture.rolledBack(({ audit }) => {
    audit.shift();
    audit.shift();
    audit.push().note = 'c';
  });
  assert.deepEqual(
    Array.from(fixture.book.audit, (line) => line.note),
    ['a', 'b'],
  );
});

test('positions are not used twice, even when the queue was empty at a restart', () => {
  const fixture = new Fixture();
  fixture.transaction(({ audit }) => audit.push());
  fixture.transaction(({ audit }) => audit.shift());
  const restarted = fixture.restart();
  const log = restarted.transaction(({ audit }) => audit.push());
  assert.deepEqual(log, ['put 2 0x0000000000000001', 'put 65280 0x00000002']);
});

test('an iteration meets what is pushed meanwhile, and passes over what is shifted', () => {
  const fixture = new Fixture();
  fixture.transaction(({ audit }) => {
    for (const note of ['a', 'b', 'c', 'd']) audit.push().note = note;
    const met: string[] = [];
    for (const line of audit) {
      met.push(line.note);
      if (line.note === 'a') while (audit.peek()!.note !== 'd') audit.shift();
      if (line.note === 'd') audit.push().note = 'e';
    }
    assert.deepEqual(met, ['a', 'd', 'e']);
  });
});

test('a long queue survives restarts and stays in order', () => {
  let fixture = new Fixture(undefined, { cachedEntitiesMax: 3 });
  for (let round = 0; round < 5; round++) {
    fixture.transaction(({ audit }) => {
      for (let index = 0; index < 100; index++) audit.push().quantity = round * 100 + index;
    });
    fixture.transaction(({ audit }) => {
      for (let index = 0; index < 60; index++) audit.shift();
    });
    fixture = fixture.restart();
  }
  assert.equal(fixture.book.audit.size, 200);
  assert.deepEqual(
    Array.from(fixture.book.audit, (line) => line.quantity),
    Array.from({ length: 200 }, (_, index) => 300 + index),
  );
});
