import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CollectionInfo,
  decodeStateEntry,
  encodeStateKey,
  type KeyKind,
  parseStateKey,
  type StateKey,
} from '@aep/state';
import fc from 'fast-check';
import { Order } from './order.js';
import { OrderBook } from './order-book.js';

const int32 = fc.integer();
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const uint64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const text = fc.string({ unit: 'binary', maxLength: 300 });
const keysOf: Record<KeyKind, fc.Arbitrary<StateKey>> = {
  string: text,
  bool: fc.boolean(),
  int32,
  sint32: int32,
  sfixed32: int32,
  uint32,
  fixed32: uint32,
  int64,
  sint64: int64,
  sfixed64: int64,
  uint64,
  fixed64: uint64,
};

function infoOf(keyKind: KeyKind): CollectionInfo {
  return { id: 1, name: 'orders', kind: 'collection', keyKind, entity: Order.$type };
}

/** Order of values; text by code point. */
function compareKeys(a: StateKey, b: StateKey): number {
  if (typeof a !== 'string') return a < b ? -1 : a > b ? 1 : 0;
  const left = Array.from(a);
  const right = Array.from(b as string);
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = left[index]!.codePointAt(0)! - right[index]!.codePointAt(0)!;
    if (order !== 0) return Math.sign(order);
  }
  return Math.sign(left.length - right.length);
}

for (const kind of Object.keys(keysOf) as KeyKind[]) {
  test(`keys of kind ${kind} come back from their bytes, which have their order (E61)`, () => {
    const info = infoOf(kind);
    const root = { ...OrderBook.$type, collections: [info] };
    fc.assert(
      fc.property(keysOf[kind], keysOf[kind], (a, b) => {
        const bytes = encodeStateKey(info, a);
        assert.equal(decodeStateEntry(root, 1, bytes, new Uint8Array())?.key, a);
        assert.equal(Math.sign(Buffer.compare(bytes, encodeStateKey(info, b))), compareKeys(a, b));
        assert.equal(parseStateKey(kind, String(a)), a);
      }),
    );
  });
}
