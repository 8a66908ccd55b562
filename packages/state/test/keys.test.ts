import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CollectionInfo,
  encodeStateKey,
  type KeyKind,
  parseStateKey,
  type StateKey,
  StateSpace,
} from '@aep/state';
import { DurableTables } from './durable-tables.js';
import { Fixture } from './fixture.js';
import { Order } from './order.js';

const invalid = { code: 'AEP_STATE_KEY_INVALID' };

function encode(keyKind: KeyKind, key: unknown): Uint8Array {
  const info: CollectionInfo = { id: 1, name: 'orders', kind: 'collection', keyKind, entity: Order.$type };
  return encodeStateKey(info, key as StateKey);
}

test('a key of the wrong type or out of range is refused', () => {
  const wrong: [KeyKind, unknown[]][] = [
    ['string', [1, undefined, null, {}]],
    ['bool', [0, 'true']],
    ['int32', [1.5, 2 ** 31, -(2 ** 31) - 1, '1', 1n, NaN]],
    ['uint32', [-1, 2 ** 32, 0.5]],
    ['int64', [1, 1n << 63n, -(1n << 63n) - 1n]],
    ['uint64', [-1n, 1n << 64n, 5]],
  ];
  for (const [kind, keys] of wrong)
    for (const key of keys) assert.throws(() => encode(kind, key), invalid, `${kind} ${String(key)}`);
});

test('a text key has at most 1,900 bytes of UTF-8 and no half surrogate pair', () => {
  assert.equal(encode('string', 'x'.repeat(1900)).length, 1900);
  assert.throws(() => encode('string', 'x'.repeat(1901)), invalid);
  assert.equal(encode('string', '€'.repeat(633)).length, 1899);
  assert.throws(() => encode('string', '€'.repeat(634)), invalid);
  assert.throws(() => encode('string', 'a\ud800b'), invalid);
  assert.throws(() => encode('string', '\udc00'), invalid);
  assert.equal(encode('string', '\ufeffa').length, 4);
});

test('a refused key leaves collection and size as they were', () => {
  const fixture = new Fixture();
  fixture.transaction(({ orders }) => {
    orders.create('a');
    const long = 'x'.repeat(2000);
    for (const act of [
      () => orders.create(long),
      () => orders.get(long),
      () => orders.has(long),
      () => orders.delete(long),
    ]) {
      assert.throws(act, invalid);
    }
    assert.equal(orders.size, 1);
  });
});

test('a key is parsed from what a person types', () => {
  assert.equal(parseStateKey('uint64', '18446744073709551615'), (1n << 64n) - 1n);
  assert.equal(parseStateKey('bool', 'false'), false);
  for (const [kind, typed] of [
    ['int32', 'x'],
    ['int32', '1.5'],
    ['int32', '99999999999'],
    ['bool', 'yes'],
    ['int64', ''],
  ] as const) {
    assert.throws(() => parseStateKey(kind, typed), invalid, `${kind} "${typed}"`);
  }
});

test('thousands of entries created in any order are walked in key order before a checkpoint', () => {
  const space = new StateSpace(new DurableTables(), {});
  const numbers = space.collection<number, Order>(1, 'numbers', 'int32', Order);
  assert.deepEqual([...numbers.keys()], []);
  space.begin();
  const count = 3000;
  for (let index = 0; index < count; index++) numbers.create(((index * 1999) % count) - 1500);
  for (let index = 0; index < count; index += 3) numbers.delete(index - 1500);
  const expected = Array.from({ length: count }, (_, index) => index - 1500).filter((_, index) => index % 3 !== 0);
  assert.deepEqual([...numbers.keys()], expected);
  assert.deepEqual([...numbers.keys({ reverse: true })], expected.toReversed());
  assert.deepEqual([...numbers.keys({ gt: -1, limit: 3 })], expected.filter((each) => each > -1).slice(0, 3));
  space.rollback();
  assert.deepEqual([...numbers.keys()], []);
});
