import {
  Any,
  BoolValue,
  BytesValue,
  DoubleValue,
  Duration,
  Empty,
  FieldMask,
  FloatValue,
  Int32Value,
  Int64Value,
  ListValue,
  type MessageType,
  StringValue,
  Struct,
  Timestamp,
  TimestampEntity,
  UInt32Value,
  UInt64Value,
  Value,
} from '@aep/messages';
import assert from 'node:assert/strict';
import { test } from 'node:test';

/** JSON that reads and writes as the same text. */
const roundTrips: readonly (readonly [MessageType, unknown])[] = [
  [Timestamp.$type, '1970-01-01T00:00:00Z'],
  [Timestamp.$type, '2026-11-21T12:30:45.5Z'],
  [Timestamp.$type, '0001-01-01T00:00:00Z'],
  [Timestamp.$type, '9999-12-31T23:59:59.999999999Z'],
  [Timestamp.$type, '1969-12-31T23:59:59.000000001Z'],
  [Duration.$type, '0s'],
  [Duration.$type, '-1.500s'],
  [Duration.$type, '-0.000000001s'],
  [Duration.$type, '315576000000s'],
  [FieldMask.$type, 'customer.region,orderId'],
  [FieldMask.$type, ''],
  [Struct.$type, { a: [1, null, 'x', true, { b: {} }], c: -1.5 }],
  [Value.$type, null],
  [Value.$type, 'text'],
  [Value.$type, 5],
  [Value.$type, []],
  [ListValue.$type, [[[]], {}]],
  [Empty.$type, {}],
  [BoolValue.$type, true],
  [StringValue.$type, 'text'],
  [BytesValue.$type, 'AQID'],
  [Int32Value.$type, -7],
  [UInt32Value.$type, 4294967295],
  [Int64Value.$type, '-9223372036854775808'],
  [UInt64Value.$type, '18446744073709551615'],
  [DoubleValue.$type, 'NaN'],
  [DoubleValue.$type, '-Infinity'],
  [FloatValue.$type, 1.5],
];

for (const [type, json] of roundTrips) {
  test(`${type.fullName} is ${JSON.stringify(json)} in ProtoJSON (E73)`, () => {
    const message = type.fromJSON(json);
    const expected = typeof json === 'string' ? json.replace(/\.500s$/, '.500s').replace('.5Z', '.500Z') : json;
    assert.deepEqual(message.toJSON(), expected);
    assert.deepEqual(type.fromBytes(message.toBytes()).toJSON(), expected);
  });
}

const accepted: readonly (readonly [MessageType, unknown, unknown])[] = [
  [Timestamp.$type, '2026-11-21T12:00:00+02:00', '2026-11-21T10:00:00Z'],
  [Timestamp.$type, '2026-11-21t12:00:00.123456z', '2026-11-21T12:00:00.123456Z'],
  [Int32Value.$type, '5', 5],
  [Int32Value.$type, 1e3, 1000],
  [Int32Value.$type, '1e3', 1000],
  [Int64Value.$type, 5, '5'],
  [DoubleValue.$type, '1.5', 1.5],
  [BytesValue.$type, '-_8', '+/8='],
];

for (const [type, json, expected] of accepted) {
  test(`${type.fullName} accepts ${JSON.stringify(json)}`, () => {
    assert.deepEqual(type.fromJSON(json).toJSON(), expected);
  });
}

const refused: readonly (readonly [MessageType, unknown, RegExp])[] = [
  [Timestamp.$type, '2026-02-30T00:00:00Z', /Timestamp: expected a text such as/],
  [Timestamp.$type, '10000-01-01T00:00:00Z', /expected a text such as/],
  [Timestamp.$type, '2026-01-01T24:00:00Z', /expected a text such as/],
  [Timestamp.$type, 5, /got 5/],
  [Duration.$type, '1', /expected a text such as "1\.5s"/],
  [Duration.$type, '315576000001s', /expected a text such as/],
  [FieldMask.$type, 'a_b', /expected paths/],
  [Int32Value.$type, 1.5, /expected an integer in -2147483648\.\.2147483647, got 1\.5/],
  [Int32Value.$type, 2147483648, /got 2147483648/],
  [UInt64Value.$type, '-1', /expected an integer in 0\.\./],
  [Int64Value.$type, '9'.repeat(100), /expected an integer/],
  [DoubleValue.$type, 'nan', /expected a number/],
  [FloatValue.$type, 1e300, /beyond the range of a float/],
  [BoolValue.$type, 'true', /expected true or false/],
  [StringValue.$type, 5, /expected a string, got number/],
  [BytesValue.$type, '!!', /expected base64/],
  [BytesValue.$type, 'AAAAA', /expected base64/],
  [Empty.$type, { a: 1 }, /expected \{\}/],
  [Struct.$type, [], /expected an object, got an array/],
  [Any.$type, { typUrl: 'x' }, /Any\.typUrl: google\.protobuf\.Any has no such field; it has typeUrl, value/],
  [Any.$type, '{', /not JSON/],
];

for (const [type, json, message] of refused) {
  test(`${type.fullName} refuses ${JSON.stringify(json).slice(0, 50)}, naming the path`, () => {
    assert.throws(() => type.fromJSON(json), { code: 'AEP_JSON_INVALID', message });
  });
}

test('names that an object has by birth are ordinary keys', () => {
  const json = JSON.parse('{"__proto__": 1, "constructor": {"toString": null}}') as unknown;
  const struct = Struct.fromJSON(json);
  assert.equal(struct.fields.get('__proto__')?.numberValue, 1);
  assert.equal(JSON.stringify(struct), '{"__proto__":1,"constructor":{"toString":null}}');
});

test('what JSON cannot say is refused when it is written', () => {
  const time = Timestamp.create();
  time.seconds = 10n ** 15n;
  assert.throws(() => time.toJSON(), { code: 'AEP_JSON_INVALID' });
  const value = Value.create();
  assert.throws(() => value.toJSON(), { code: 'AEP_JSON_INVALID', message: /without a kind/ });
  value.numberValue = NaN;
  assert.throws(() => value.toJSON(), { code: 'AEP_JSON_INVALID' });
});

test('JSON that is nested too deep is refused before the stack ends', () => {
  let json: unknown = [];
  for (let depth = 0; depth < 5000; depth++) json = [json];
  assert.throws(() => ListValue.fromJSON(json), { code: 'AEP_MESSAGE_TOO_DEEP' });
});

test('an entity has the same JSON as its message', () => {
  const entity = new TimestampEntity();
  entity.seconds = 1n;
  assert.equal(JSON.stringify(entity), '"1970-01-01T00:00:01Z"');
});
