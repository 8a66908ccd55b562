import { AepError, didYouMean } from '@aep/kernel';
import type { FieldInfo, JsonValue, MessageType, MessageView } from '@aep/messages';

/** What may be expected of a field: the property's own value, or its part for embedded messages, lists and maps. */
export type ExpectedValue<V> = V extends string | number | boolean | Uint8Array | undefined
  ? V
  : V extends bigint
    ? bigint | string
    : V extends MessageView
      ? ExpectedFields<V>
      : V extends { get(key: never): infer E; has(key: never): boolean }
        ? Readonly<Record<string, ExpectedValue<NonNullable<E>>>>
        : V extends Iterable<infer E>
          ? readonly ExpectedValue<E>[]
          : never;

type NoField<M, K extends keyof M> = M[K] extends (...values: never[]) => unknown
  ? true
  : K extends keyof MessageView
    ? true
    : false;

/** Some of the fields of a message by the names of its properties. */
export type ExpectedFields<M> = {
  readonly [K in keyof M as NoField<M, K> extends true ? never : K]?: ExpectedValue<M[K]>;
};

/** Fields by property name, as ProtoJSON shows their values: enums by name, 64-bit integers as text, bytes as base64. */
export type FieldsJson = { readonly [name: string]: JsonValue };

/** All fields of a message, unset ones with their default; an embedded message that is not set is null. */
export function fieldsOf(message: MessageView): FieldsJson {
  return Object.fromEntries(message.$type.fields.map((field) => [field.name, valueOf(field, message)]));
}

/** Expected fields in the same form. @throws AEP_TEST_FIELD_UNKNOWN with the nearest name */
export function expectedJson(type: MessageType, fields: object): FieldsJson {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, toJson(fieldNamed(type, name), value, type)]),
  );
}

/** Whether the actual value has all that is expected; with `exact` nothing more. */
export function matches(expected: JsonValue | undefined, actual: JsonValue | undefined, exact: boolean): boolean {
  if (expected === undefined) return actual === undefined || !exact;
  if (Array.isArray(expected)) {
    const list = Array.isArray(actual) ? (actual as readonly JsonValue[]) : undefined;
    return (
      list?.length === expected.length &&
      expected.every((value: JsonValue, index) => matches(value, list[index], exact))
    );
  }
  if (typeof expected !== 'object' || expected === null) return Object.is(expected, actual);
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) return false;
  const want = expected as FieldsJson;
  const have = actual as FieldsJson;
  if (exact && Object.keys(have).some((name) => !isDefault(have[name]!) && !Object.hasOwn(want, name))) return false;
  return Object.keys(want).every((name) => matches(want[name], have[name], exact));
}

export function isDefault(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === null || value === 0 || value === false || value === '' || value === '0';
}

function valueOf(field: FieldInfo<never>, message: MessageView): JsonValue {
  const info = field as FieldInfo<MessageView>;
  if (info.kind === 'message' && !info.repeated && !info.has(message)) return null;
  return toJson(info, info.get(message));
}

function toJson(field: FieldInfo<never>, value: unknown, type?: MessageType): JsonValue {
  if (value === undefined || value === null) return null;
  if (field.kind === 'map') {
    const isMap = typeof value === 'object' && Symbol.iterator in value;
    const entries = isMap ? [...(value as Iterable<[unknown, unknown]>)] : Object.entries(value);
    return Object.fromEntries(entries.map(([key, each]) => [String(key), single(field, field.mapValue!, each)]));
  }
  if (field.repeated) {
    if (typeof value !== 'object' || !(Symbol.iterator in value)) throw notAList(type, field.name);
    return [...(value as Iterable<unknown>)].map((each) => single(field, field.kind, each));
  }
  return single(field, field.kind, value);
}

function single(field: FieldInfo<never>, kind: FieldInfo['kind'], value: unknown): JsonValue {
  if (kind === 'message') {
    const type = field.message!() as MessageType;
    return isView(value) ? fieldsOf(value) : expectedJson(type, value as object);
  }
  if (kind === 'enum' && typeof value === 'number') return field.enumNames?.get(value) ?? value;
  if (kind.endsWith('64')) return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value as JsonValue;
}

function isView(value: unknown): value is MessageView {
  return typeof value === 'object' && value !== null && '$type' in value;
}

function fieldNamed(type: MessageType, name: string): FieldInfo<never> {
  const fields = type.fields as readonly FieldInfo<never>[];
  const field = fields.find((candidate) => candidate.name === name);
  if (field !== undefined) return field;
  const names = fields.map((candidate) => candidate.name);
  throw new AepError(
    'AEP_TEST_FIELD_UNKNOWN',
    'reject',
    `${type.fullName} has no field "${name}"${didYouMean(name, names)}; it has ${names.join(', ') || 'none'}`,
    { type: type.fullName, field: name },
  );
}

function notAList(type: MessageType | undefined, name: string): AepError {
  const where = type === undefined ? name : `${type.fullName}.${name}`;
  return new AepError('AEP_TEST_FIELD_UNKNOWN', 'reject', `${where} is a list: expect an array of it`, { field: name });
}
