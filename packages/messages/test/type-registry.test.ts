import {
  Duration,
  type MessageFactory,
  type MessageType,
  setMessageLimits,
  Timestamp,
  TypeRegistry,
} from '@aep/messages';
import assert from 'node:assert/strict';
import { test } from 'node:test';

/** The same type with a type id: the well-known types have none. */
function type(of: MessageType, typeId: number): MessageType {
  return Object.create(of, { typeId: { value: typeId } }) as MessageType;
}

const first: MessageFactory = { name: 'First', id: 1, source: 'first.proto', types: [type(Timestamp.$type, 1)] };
const second: MessageFactory = { name: 'Second', id: 2, types: [type(Duration.$type, 1)] };

test('types are found by ids and by name', () => {
  const registry = new TypeRegistry([first, second, first]);
  assert.equal(registry.find(1, 1)?.fullName, 'google.protobuf.Timestamp');
  assert.equal(registry.find(2, 1)?.fullName, 'google.protobuf.Duration');
  assert.equal(registry.find(2, 2), undefined);
  assert.equal(registry.find(3, 1), undefined);
  assert.equal(registry.byName('google.protobuf.Duration')?.typeId, 1);
  assert.equal(registry.nearest('google.protobuf.Duratoin'), 'google.protobuf.Duration');
  assert.equal(registry.types.length, 2);
});

test('two factories with one id are refused, naming both files (E70)', () => {
  const clash = { ...second, id: 1 };
  assert.throws(() => new TypeRegistry([first, clash]), {
    code: 'AEP_TYPE_ID_CLASH',
    message: /First \(first\.proto\) and Second/,
  });
});

test('two types with one id in a factory are refused, naming both', () => {
  const clash = { ...first, types: [type(Timestamp.$type, 4), type(Duration.$type, 4)] };
  assert.throws(() => new TypeRegistry([clash]), {
    code: 'AEP_TYPE_ID_CLASH',
    message: /google\.protobuf\.Timestamp and google\.protobuf\.Duration/,
  });
});

test('a type without a type id cannot be registered', () => {
  assert.throws(() => new TypeRegistry([{ ...first, types: [type(Timestamp.$type, 0)] }]), {
    code: 'AEP_TYPE_ID_CLASH',
  });
});

test('limits outside of their range are refused', () => {
  assert.throws(() => setMessageLimits({ depthMax: 0 }), {
    code: 'AEP_LIMIT_INVALID',
    message: /depthMax: expected an integer in 1\.\.1000, got 0/,
  });
  assert.throws(() => setMessageLimits({ elementsMax: 1.5 }), { code: 'AEP_LIMIT_INVALID' });
});
