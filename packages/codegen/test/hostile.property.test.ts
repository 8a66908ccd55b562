import { AepError } from '@aep/kernel';
import { setMessageLimits } from '@aep/messages';
import { setCheckedMode } from '@aep/messages/internal';
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import { NewOrder, Order, OrderReport, Side } from './gen/shop/orders.js';
import { seed } from './random-build.js';

const numRuns = Number(process.env['AEP_HOSTILE_RUNS'] ?? 3000);
const allowedCodes = new Set([
  'AEP_MESSAGE_MALFORMED',
  'AEP_MESSAGE_TOO_DEEP',
  'AEP_MESSAGE_TOO_LARGE',
  // A 64-bit number that jstype = JS_NUMBER cannot hold; a timestamp that JSON cannot say.
  'AEP_FIELD_VALUE',
  'AEP_JSON_INVALID',
]);

afterEach(() => {
  setMessageLimits({ depthMax: 100, messageBytesMax: 67_108_864, elementsMax: 1_000_000 });
  setCheckedMode(true);
});

function reportBytes(): Uint8Array {
  const report = OrderReport.create();
  report.orderId = 'order-1';
  report.executions.add().executionId = 'e-1';
  report.executions.add().price = 12.5;
  report.lotSizes.assign([1, -1, 300]);
  report.tags.assign(['a', 'ü']);
  report.counters.set('x', 5n);
  report.addresses.getOrCreate(7).city = 'Bern';
  report.billing.country = 'CH';
  report.filledBy.quantity = 3;
  report.reportedAt.seconds = 1_763_725_000n;
  report.signature = new Uint8Array([1, 2, 3]);
  report.sides.push(Side.SELL);
  report.owner.agent.name = 'agent';
  const bytes = report.toBytes();
  report.dispose();
  return bytes;
}

/** Reads, copies, encodes and decodes; only coded errors may come out. */
function useEverything(bytes: Uint8Array): void {
  const uses = [
    (): void => void JSON.stringify(OrderReport.wrap(bytes)),
    (): void => void OrderReport.wrap(bytes).copy().toBytes(),
    (): void => void JSON.stringify(NewOrder.wrap(bytes)),
    (): void => new Order().$decode(bytes, 0, bytes.length),
    (): void => OrderReport.wrap(bytes).$validate(),
  ];
  for (const use of uses) {
    try {
      use();
    } catch (error) {
      if (!(error instanceof AepError) || !allowedCodes.has(error.code)) throw error;
    }
  }
}

test('random bytes give a message or a coded error', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), useEverything), { seed, numRuns });
});

test('a damaged message gives a message or a coded error', () => {
  const good = reportBytes();
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  const check = (changes: [number, number][], length: number): void => {
    const bytes = good.slice(0, length);
    for (const [at, value] of changes) if (at < length) bytes[at] = value;
    useEverything(bytes);
  };
  fc.assert(fc.property(damage, fc.nat(good.length), check), { seed, numRuns });
});

test('a message that is cut off at any place inside a field is refused with field and offset', () => {
  const order = NewOrder.create();
  order.orderId = 'order-1';
  order.quantity = 300;
  order.price = 1.5;
  const bytes = order.toBytes();
  const boundaries = new Set([0, 9, 12, 21]);
  for (let length = 0; length < bytes.length; length++) {
    const view = NewOrder.wrap(bytes, 0, length);
    if (boundaries.has(length)) view.$validate();
    else
      assert.throws(() => view.quantity, {
        code: 'AEP_MESSAGE_MALFORMED',
        message: /^shop\.NewOrder\.\w+: .*byte \d+/,
      });
  }
});

const cases: readonly (readonly [string, readonly number[], RegExp])[] = [
  [
    'a varint of eleven bytes',
    [0x28, ...Array<number>(10).fill(0xff), 0x01],
    /quantity: a varint of more than ten bytes/,
  ],
  ['a varint that is cut off', [0x28, 0xff], /quantity: cut off inside a varint/],
  ['a string that is longer than the message', [0x0a, 0x05, 0x61], /order_id: .*length of 5/],
  ['a length that does not fit 32 bits', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], /order_id: .*length/],
  ['a length of 2^31', [0x0a, 0x80, 0x80, 0x80, 0x80, 0x08], /order_id: .*length/],
  ['a double that is cut off', [0x31, 1, 2, 3], /price: cut off inside a 64-bit value/],
  ['wire type 6', [0x0e], /order_id: wire type 6/],
  ['wire type 7', [0x0f], /order_id: wire type 7/],
  ['field number 0', [0x00, 0x01], /field number 0/],
  ['a tag of more than 32 bits', [0xff, 0xff, 0xff, 0xff, 0x7f], /tag of more than 32 bits/],
  ['the end of a group that was not begun', [0x0c], /end of a group/],
  ['a group that does not end', [0x0b, 0x08, 0x01], /cut off inside a group/],
  ['a group that ends as another one', [0x0b, 0x14], /end of another group/],
];

for (const [name, bytes, message] of cases) {
  test(`${name} is refused by views and entities`, () => {
    const hostile = Uint8Array.from(bytes);
    assert.throws(() => NewOrder.wrap(hostile).note, { code: 'AEP_MESSAGE_MALFORMED', message });
    assert.throws(() => NewOrder.fromBytes(hostile), { code: 'AEP_MESSAGE_MALFORMED' });
    assert.throws(() => new Order().$decode(hostile, 0, hostile.length), { code: 'AEP_MESSAGE_MALFORMED' });
  });
}

test('the view stays refused when it is read again', () => {
  const view = NewOrder.wrap(Uint8Array.from([0x28, 0xff]));
  assert.throws(() => view.quantity, { code: 'AEP_MESSAGE_MALFORMED' });
  assert.throws(() => view.note, { code: 'AEP_MESSAGE_MALFORMED' });
});

test('a string that is not UTF-8 is refused when it is read, naming the field', () => {
  for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    const view = NewOrder.wrap(Uint8Array.from([0x0a, bad.length, ...bad, 0x28, 7]));
    assert.equal(view.quantity, 7);
    assert.throws(() => view.orderId, {
      code: 'AEP_MESSAGE_MALFORMED',
      message: /shop\.NewOrder\.order_id: not valid UTF-8/,
    });
  }
});

test('a text that holds U+FFFD itself is read', () => {
  const order = NewOrder.create();
  order.note = 'replaced: \uFFFD';
  assert.equal(NewOrder.wrap(order.toBytes()).note, 'replaced: \uFFFD');
});

test('a known group inside an unknown field is skipped and kept', () => {
  // Field 100 as a group that holds field 1 as a varint and an inner group 2.
  const group = [0xa3, 0x06, 0x08, 0x01, 0x13, 0x14, 0xa4, 0x06];
  const copy = NewOrder.wrap(Uint8Array.from([...group, 0x28, 7])).copy();
  assert.equal(copy.quantity, 7);
  copy.quantity = 8;
  assert.deepEqual([...copy.toBytes()], [0x28, 8, ...group]);
});

test('messages nested deeper than depthMax are refused, before the stack ends', () => {
  let bytes = Uint8Array.from([0x0a, 1, 0x61]);
  for (let depth = 0; depth < 300; depth++) bytes = Uint8Array.from([0x12, ...lengthOf(bytes.length), ...bytes]);
  const owner = Uint8Array.from([0xa2, 0x01, ...lengthOf(bytes.length), ...bytes]);
  assert.throws(() => JSON.stringify(OrderReport.wrap(owner)), { code: 'AEP_MESSAGE_TOO_DEEP', message: /100 levels/ });
  assert.throws(() => OrderReport.fromBytes(owner), { code: 'AEP_MESSAGE_TOO_DEEP' });
  setMessageLimits({ depthMax: 400 });
  assert.match(JSON.stringify(OrderReport.wrap(owner)), /"name":"a"/);
});

test('groups nested by the thousand cost no stack', () => {
  const bytes = new Uint8Array(100_000).fill(0xa3);
  for (let at = 1; at < bytes.length; at += 2) bytes[at] = 0x06;
  assert.throws(() => OrderReport.wrap(bytes).orderId, {
    code: 'AEP_MESSAGE_MALFORMED',
    message: /groups nested deeper/,
  });
});

test('more elements than elementsMax are refused on reading and on writing', () => {
  const report = OrderReport.create();
  report.lotSizes.assign([1, 2, 3, 4]);
  const bytes = report.toBytes();
  setMessageLimits({ elementsMax: 3 });
  assert.throws(() => OrderReport.wrap(bytes).lotSizes, {
    code: 'AEP_MESSAGE_TOO_LARGE',
    message: /lot_sizes: more than 3/,
  });
  assert.throws(() => report.lotSizes.push(5), { code: 'AEP_MESSAGE_TOO_LARGE' });
  report.tags.assign(['1', '2', '3']);
  assert.throws(() => report.tags.push('4'), { code: 'AEP_MESSAGE_TOO_LARGE' });
});

test('a message of more than messageBytesMax is refused when it is wrapped', () => {
  setMessageLimits({ messageBytesMax: 10 });
  assert.throws(() => NewOrder.wrap(new Uint8Array(11)), {
    code: 'AEP_MESSAGE_TOO_LARGE',
    message: /11 bytes, allowed are 10/,
  });
});

test('a range outside of the bytes is refused', () => {
  assert.throws(() => NewOrder.wrap(new Uint8Array(4), 2, 9), { code: 'AEP_MESSAGE_MALFORMED' });
});

function lengthOf(length: number): number[] {
  return length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >>> 7];
}
