import type { FieldInfo } from './field-info.js';
import { describeJson, invalidJson, jsonToScalar, scalarToJson, setJsonProperty } from './json-scalar.js';
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from './json-time.js';
import type { JsonValue } from './message-type.js';
import type { EmbeddedList } from './message-list.js';
import type { TrackedList } from './tracked-list.js';
import type { EmbeddedMap } from './tracked-map.js';

/** A message or an entity, as far as JSON is concerned. */
export interface JsonMessage {
  readonly $type: { readonly fullName: string; readonly fields: readonly FieldInfo<never>[] };
  readonly $depth: number;
}

/** How any message is converted: for the messages inside of well-known ones. */
export interface JsonConverter {
  write(this: void, message: JsonMessage): JsonValue;
  read(this: void, message: JsonMessage, json: unknown, path: string): void;
}

/** A piece of the document, and where it is in it. */
export interface JsonPlace {
  readonly json: unknown;
  readonly path: string;
}

/** How one of the well-known types is written in ProtoJSON. */
interface Form {
  /** A JSON string is a value of it, not the text of a document. */
  readonly isString: boolean;
  write(message: JsonMessage, converter: JsonConverter): JsonValue;
  read(message: JsonMessage, place: JsonPlace, converter: JsonConverter): void;
}

type AnyField = FieldInfo;

function fieldOf(message: JsonMessage, name: string): AnyField {
  return (message.$type.fields as readonly AnyField[]).find((field) => field.protoName === name)!;
}

function get(message: JsonMessage, name: string): unknown {
  return fieldOf(message, name).get(message);
}

function set(message: JsonMessage, name: string, value: unknown): void {
  fieldOf(message, name).set(message, value);
}

interface Time {
  readonly seconds: bigint;
  readonly nanos: number;
}

function timeForm(
  format: (time: Time) => string | undefined,
  parse: (text: string) => Time | undefined,
  example: string,
): Form {
  return {
    isString: true,
    write(message) {
      const time = { seconds: get(message, 'seconds') as bigint, nanos: get(message, 'nanos') as number };
      const text = format(time);
      if (text !== undefined) return text;
      throw invalidJson(
        message.$type.fullName,
        `${time.seconds} s and ${time.nanos} ns are out of the range that JSON can say`,
      );
    },
    read(message, { json, path }) {
      const time = typeof json === 'string' ? parse(json) : undefined;
      if (time === undefined)
        throw invalidJson(path, `expected a text such as "${example}", got ${JSON.stringify(json)?.slice(0, 60)}`);
      set(message, 'seconds', time.seconds);
      set(message, 'nanos', time.nanos);
    },
  };
}

/** Int32Value and the like: the bare value. */
const wrapper: Form = {
  isString: true,
  write: (message) => scalarToJson(fieldOf(message, 'value'), get(message, 'value')),
  read(message, { json, path }) {
    const field = fieldOf(message, 'value');
    field.set(message, jsonToScalar(field, json, path));
  },
};

const fieldMask: Form = {
  isString: true,
  write(message) {
    const paths = [...(get(message, 'paths') as TrackedList<string>)];
    const bad = paths.find((path) => !/^[a-z0-9_.]*$/.test(path) || /_(?![a-z])/.test(path));
    if (bad !== undefined) throw invalidJson(message.$type.fullName, `the path "${bad}" cannot be said in camelCase`);
    return paths.map((path) => path.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase())).join(',');
  },
  read(message, { json, path }) {
    if (typeof json !== 'string' || json.includes('_'))
      throw invalidJson(path, 'expected paths such as "customer.region,orderId"');
    const paths = json === '' ? [] : json.split(',');
    set(
      message,
      'paths',
      paths.map((item) => item.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
    );
  },
};

const struct: Form = {
  isString: false,
  write(message, converter) {
    const json: Record<string, JsonValue> = {};
    for (const [name, value] of get(message, 'fields') as Iterable<[string, JsonMessage]>)
      setJsonProperty(json, name, converter.write(value));
    return json;
  },
  read(message, { json, path }, converter) {
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw invalidJson(path, `expected an object, got ${describeJson(json)}`);
    const fields = get(message, 'fields') as EmbeddedMap<string, never>;
    for (const [name, item] of Object.entries(json)) converter.read(fields.getOrCreate(name), item, `${path}.${name}`);
  },
};

const listValue: Form = {
  isString: false,
  write: (message, converter) => Array.from(get(message, 'values') as Iterable<JsonMessage>, converter.write),
  read(message, { json, path }, converter) {
    if (!Array.isArray(json)) throw invalidJson(path, `expected an array, got ${describeJson(json)}`);
    const values = get(message, 'values') as EmbeddedList<never>;
    json.forEach((item, index) => converter.read(values.add(), item, `${path}[${index}]`));
  },
};

const value: Form = {
  isString: true,
  write(message, converter) {
    const field = (message.$type.fields as readonly AnyField[]).find((candidate) => candidate.has(message));
    if (field === undefined) throw invalidJson(message.$type.fullName, 'a Value without a kind has no JSON');
    if (field.message !== undefined) return converter.write(field.get(message) as JsonMessage);
    const json = scalarToJson(field, field.get(message));
    if (field.kind === 'double' && typeof json !== 'number')
      throw invalidJson(message.$type.fullName, `a Value cannot be ${JSON.stringify(json)}`);
    return json;
  },
  read(message, { json, path }, converter) {
    if (json === null) return set(message, 'null_value', 0);
    if (typeof json === 'boolean') return set(message, 'bool_value', json);
    if (typeof json === 'number') return set(message, 'number_value', json);
    if (typeof json === 'string') return set(message, 'string_value', json);
    if (typeof json !== 'object') throw invalidJson(path, `expected a JSON value, got ${typeof json}`);
    const embedded = get(message, Array.isArray(json) ? 'list_value' : 'struct_value') as JsonMessage & {
      $beforeChange(): void;
    };
    embedded.$beforeChange();
    converter.read(embedded, json, path);
  },
};

const empty: Form = {
  isString: false,
  write: () => ({}),
  read(_message, { json, path }) {
    if (typeof json !== 'object' || json === null || Object.keys(json).length > 0)
      throw invalidJson(path, 'expected {}');
  },
};

/** The JSON of an Any needs the type that it names, which only an app's registry knows; so its two fields are written as they are. */
const forms: ReadonlyMap<string, Form> = new Map<string, Form>([
  ['google.protobuf.Timestamp', timeForm(formatTimestamp, parseTimestamp, '2026-11-21T12:00:00.5Z')],
  ['google.protobuf.Duration', timeForm(formatDuration, parseDuration, '1.5s')],
  ['google.protobuf.FieldMask', fieldMask],
  ['google.protobuf.Struct', struct],
  ['google.protobuf.Value', value],
  ['google.protobuf.ListValue', listValue],
  ['google.protobuf.Empty', empty],
  ...['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'].map(
    (name): [string, Form] => [`google.protobuf.${name}Value`, wrapper],
  ),
]);

/** The form of a type that has one of its own. */
export function wellKnownForm(fullName: string): Form | undefined {
  return fullName.startsWith('google.protobuf.') ? forms.get(fullName) : undefined;
}

/** Fills a message of a well-known type; answers whether it is one. */
export function readWellKnown(message: JsonMessage, place: JsonPlace, converter: JsonConverter): boolean {
  const form = wellKnownForm(message.$type.fullName);
  form?.read(message, place, converter);
  return form !== undefined;
}
