import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setCheckedMode } from '@aep/messages/internal';
import fc from 'fast-check';
import { fill, inObjectOrder, read, toProtobufjs } from './models.js';
import { type BuiltSchema, buildSchemas, seed } from './random-build.js';
import { type Model, modelArbitrary } from './random-schema.js';

const schemaCount = Number(process.env['AEP_RANDOM_SCHEMAS'] ?? 12);
const numRuns = Number(process.env['AEP_RANDOM_VALUES'] ?? 25);

let schemas: BuiltSchema[] = [];

before(async () => {
  schemas = await buildSchemas(schemaCount, 'random-wire');
});

/** Runs a check over values of every random schema; a failure tells seed, schema and value. */
function forAllValues(check: (schema: BuiltSchema, model: Model) => void): void {
  for (const schema of schemas) {
    const models = modelArbitrary(schema.messages, 'M0').map((model) => inObjectOrder(schema.messages, 'M0', model));
    try {
      fc.assert(
        fc.property(models, (model) => check(schema, model)),
        { seed, numRuns },
      );
    } catch (error) {
      throw new Error(`AEP_SEED=${seed}, schema ${schema.index}:\n${schema.text}\n${String(error)}`, { cause: error });
    }
  }
}

function encodeByProtobufjs(schema: BuiltSchema, model: Model): Uint8Array {
  return new Uint8Array(
    schema.root
      .lookupType(`random${schema.index}.M0`)
      .encode(toProtobufjs(schema.messages, 'M0', model))
      .finish(),
  );
}

test('a created message is encoded to the bytes that protobufjs writes (E70)', () => {
  forAllValues((schema, model) => {
    const message = schema.type('M0').create();
    fill(message, model);
    const bytes = message.toBytes();
    assert.deepEqual(hex(bytes), hex(encodeByProtobufjs(schema, model)));
    assert.equal(message.$encodedSize(), bytes.length);
    assert.ok(message.$encodedSizeMax() >= bytes.length);
    message.dispose();
  });
});

test('a view reads what protobufjs encoded, and so does its copy (E71)', () => {
  forAllValues((schema, model) => {
    const bytes = encodeByProtobufjs(schema, model);
    const view = schema.type('M0').wrap(bytes);
    assert.deepEqual(read(view), sortFields(schema, model));
    const copy = view.copy();
    assert.deepEqual(read(copy), sortFields(schema, model));
    assert.equal(hex(copy.toBytes()), hex(bytes));
    copy.dispose();
    view.dispose();
  });
});

test('protobufjs reads what a message encoded', () => {
  forAllValues((schema, model) => {
    const type = schema.root.lookupType(`random${schema.index}.M0`);
    const message = schema.type('M0').create();
    fill(message, model);
    const decoded = type.decode(message.toBytes());
    assert.equal(hex(type.encode(decoded).finish()), hex(encodeByProtobufjs(schema, model)));
  });
});

test('an entity is encoded to the same bytes and reads them back', () => {
  forAllValues((schema, model) => {
    const bytes = encodeByProtobufjs(schema, model);
    const entity = schema.newEntity('M0');
    fill(entity, model);
    assert.equal(hex(entity.toBytes()), hex(bytes));
    const other = schema.newEntity('M0');
    other.$decode(bytes, 0, bytes.length);
    assert.deepEqual(read(other), sortFields(schema, model));
    assert.equal(hex(other.toBytes()), hex(bytes));
    other.$reset();
    assert.equal(other.toBytes().length, 0);
  });
});

test('a pooled view shows nothing of what it showed before, read or not, in whatever order the fields came', () => {
  setCheckedMode(false); // checked mode never uses a view again
  try {
    const shown = new Map<number, Uint8Array[]>();
    forAllValues((schema, model) => {
      const type = schema.type('M0');
      const before = shown.get(schema.index) ?? [];
      const bytes = encodeByProtobufjs(schema, model);
      for (const earlier of before) {
        const old = type.wrap(earlier);
        if (earlier.length % 2 === 0) read(old);
        else old.$validate();
        old.dispose();
        const view = type.wrap(bytes);
        assert.deepEqual(read(view), sortFields(schema, model));
        view.dispose();
        const empty = type.create();
        assert.equal(empty.toBytes().length, 0);
        empty.dispose();
      }
      // Behind each other, the second of them begins with fields that are no longer in order.
      shown.set(schema.index, [...before.slice(-2), Buffer.concat([bytes, bytes])]);
    });
  } finally {
    setCheckedMode(true);
  }
});

test('a view in the middle of other bytes reads only its own', () => {
  forAllValues((schema, model) => {
    const bytes = encodeByProtobufjs(schema, model);
    const around = new Uint8Array(bytes.length * 2 + 3);
    around.set(bytes, 3);
    around.set(bytes, 3 + bytes.length);
    const view = schema.type('M0').wrap(around, 3, 3 + bytes.length);
    assert.deepEqual(read(view), sortFields(schema, model));
    view.dispose();
  });
});

test('the fields of two encodings behind each other are merged as protobufjs merges them', () => {
  for (const schema of schemas) {
    const models = modelArbitrary(schema.messages, 'M0').map((model) => inObjectOrder(schema.messages, 'M0', model));
    const check = (first: Model, second: Model): void => {
      const a = encodeByProtobufjs(schema, first);
      const b = encodeByProtobufjs(schema, second);
      const joined = Buffer.concat([a, b]);
      const view = schema.type('M0').wrap(joined);
      const entity = schema.newEntity('M0');
      entity.$decode(joined, 0, joined.length);
      assert.deepEqual(read(view), read(entity));
      const copy = view.copy();
      assert.equal(hex(copy.toBytes()), hex(entity.toBytes()));
      const type = schema.root.lookupType(`random${schema.index}.M0`);
      const byProtobufjs = type.encode(type.decode(joined)).finish();
      const again = schema.type('M0').fromBytes(byProtobufjs);
      assert.deepEqual(sortMaps(read(again)), sortMaps(read(view)));
    };
    fc.assert(fc.property(models, models, check), { seed, numRuns });
  }
});

test('fields that the schema does not know survive a copy (E71)', () => {
  forAllValues((schema, model) => {
    const bytes = encodeByProtobufjs(schema, model);
    // Field 16383 with three bytes and field 16382 with 32 bits.
    const unknown = Buffer.from([0xfa, 0xff, 0x07, 3, 1, 2, 3, 0xf5, 0xff, 0x07, 9, 9, 9, 9]);
    const copy = schema
      .type('M0')
      .wrap(Buffer.concat([unknown, bytes]))
      .copy();
    assert.equal(hex(copy.toBytes()), hex(Buffer.concat([bytes, unknown])));
  });
});

test('JSON and back is the same message (E73)', () => {
  forAllValues((schema, model) => {
    const message = schema.type('M0').create();
    fill(message, model);
    const again = schema.type('M0').fromJSON(JSON.stringify(message));
    assert.equal(hex(again.toBytes()), hex(message.toBytes()));
    const entity = schema.newEntity('M0');
    fill(entity, model);
    assert.deepEqual(entity.toJSON(), message.toJSON());
  });
});

function sortFields(schema: BuiltSchema, model: Model, name = 'M0'): Model {
  const sorted: Model = {};
  const fields = schema.messages.find((message) => message.name === name)!.fields;
  for (const field of fields.toSorted((a, b) => a.number - b.number)) {
    if (field.name in model) sorted[field.name] = model[field.name];
  }
  return sorted;
}

/** Maps without their order, which protobufjs does not keep. */
function sortMaps(value: unknown): unknown {
  if (Array.isArray(value)) {
    const isMap = value.length > 0 && value.every((item) => Array.isArray(item));
    return isMap
      ? new Map((value as [unknown, unknown][]).map(([key, item]) => [key, sortMaps(item)]))
      : value.map(sortMaps);
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, sortMaps(item)]));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
