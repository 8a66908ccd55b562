import { AepError } from '@aep/kernel';
import { Buffer } from 'node:buffer';
import type { FieldInfo, FieldKind } from './field-info.js';
import type { JsonValue } from './message-type.js';
import type { MapKey } from './tracked-map.js';

/** The error for a document that is not the ProtoJSON of its type; `path` begins with the type's name. */
export function invalidJson(path: string, problem: string): AepError {
  return new AepError('AEP_JSON_INVALID', 'reject', `${path}: ${problem}`, { path });
}

type ScalarField = Pick<FieldInfo, 'kind' | 'int64AsNumber' | 'enumNames' | 'enumName' | 'mapValue'>;

/** One scalar value: 64-bit integers as strings, bytes as base64, enums by name, NaN and infinities as strings. */
export function scalarToJson(field: ScalarField, value: unknown): JsonValue {
  const kind = field.kind === 'map' ? field.mapValue! : field.kind;
  switch (kind) {
    case 'bytes': {
      const bytes = value as Uint8Array;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
    }
    case 'enum':
      if (field.enumName === 'google.protobuf.NullValue') return null;
      return field.enumNames?.get(value as number) ?? (value as number);
    case 'double':
    case 'float':
      // JSON.stringify would write -0 as 0.
      if (Object.is(value, -0)) return '-0';
      return Number.isFinite(value) ? (value as number) : String(value);
    case 'int64':
    case 'uint64':
    case 'sint64':
    case 'fixed64':
    case 'sfixed64':
      return String(value);
    default:
      return value as JsonValue;
  }
}

/** Sets a property whose name comes from a message: `__proto__` is a name like any other. */
export function setJsonProperty(json: Record<string, JsonValue>, name: string, value: JsonValue): void {
  if (name !== '__proto__') json[name] = value;
  else Object.defineProperty(json, name, { value, enumerable: true, configurable: true, writable: true });
}

export function mapKeyToJson(key: MapKey): string {
  return String(key);
}

export function textToMapKey(kind: FieldKind, text: string, path: string): MapKey {
  if (kind === 'string') return text;
  if (kind !== 'bool') return jsonToScalar({ kind }, text, path) as MapKey;
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw invalidJson(path, 'expected true or false as the key');
}

const ranges: Readonly<Partial<Record<FieldKind, readonly [bigint, bigint]>>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};

const floatMax = 3.4028234663852886e38;

/** The value of a field from JSON. @throws AEP_JSON_INVALID */
export function jsonToScalar(field: ScalarField, json: unknown, path: string): unknown {
  switch (field.kind) {
    case 'string':
      if (typeof json !== 'string') throw invalidJson(path, `expected a string, got ${typeof json}`);
      return json;
    case 'bool':
      if (typeof json !== 'boolean') throw invalidJson(path, `expected true or false, got ${typeof json}`);
      return json;
    case 'bytes':
      return jsonToBytes(json, path);
    case 'enum':
      return jsonToEnum(field, json, path);
    case 'double':
    case 'float':
      return jsonToFloat(field.kind, json, path);
    default:
      return jsonToInteger(field, json, path);
  }
}

function jsonToBytes(json: unknown, path: string): Uint8Array {
  // Both alphabets, padded or not.
  if (typeof json !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(json)) throw invalidJson(path, 'expected base64');
  const digits = json.replace(/=+$/, '').length;
  if (digits % 4 === 1) throw invalidJson(path, 'expected base64, got a length that it cannot have');
  return new Uint8Array(Buffer.from(json, 'base64'));
}

function jsonToEnum(field: ScalarField, json: unknown, path: string): number {
  if (json === null && field.enumName === 'google.protobuf.NullValue') return 0;
  if (typeof json === 'number' && (json | 0) === json) return json;
  for (const [number, name] of field.enumNames ?? []) if (name === json) return number;
  const known = [...(field.enumNames?.values() ?? [])].slice(0, 20).join(', ');
  throw invalidJson(
    path,
    `expected a value of ${field.enumName ?? 'the enum'} (${known}), got ${JSON.stringify(json)?.slice(0, 60)}`,
  );
}

function jsonToFloat(kind: 'double' | 'float', json: unknown, path: string): number {
  if (json === 'NaN') return NaN;
  if (json === 'Infinity') return Infinity;
  if (json === '-Infinity') return -Infinity;
  const isNumeric =
    typeof json === 'number' || (typeof json === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(json));
  const value = isNumeric ? Number(json) : NaN;
  if (!Number.isFinite(value)) throw invalidJson(path, `expected a number, "NaN", "Infinity" or "-Infinity"`);
  if (kind === 'float' && Math.abs(value) > floatMax)
    throw invalidJson(path, `${value} is beyond the range of a float`);
  return value;
}

function jsonToInteger(field: ScalarField, json: unknown, path: string): number | bigint {
  const value = toInteger(json);
  const [min, max] = ranges[field.kind]!;
  if (value === undefined || value < min || value > max) {
    throw invalidJson(path, `expected an integer in ${min}..${max}, got ${JSON.stringify(json)?.slice(0, 60)}`);
  }
  if (!field.kind.endsWith('64')) return Number(value);
  if (field.int64AsNumber !== true) return value;
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw invalidJson(path, `${value} is no safe integer, and the field has jstype = JS_NUMBER`);
  return number;
}

/** ProtoJSON takes integers as numbers or strings, and numbers such as 1e5 and 1.0 too. */
function toInteger(json: unknown): bigint | undefined {
  if (typeof json === 'number') return Number.isInteger(json) ? BigInt(json) : undefined;
  if (typeof json !== 'string' || json.length > 40) return undefined;
  if (/^-?\d+$/.test(json)) return BigInt(json);
  const number = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(json) ? Number(json) : NaN;
  return Number.isInteger(number) ? BigInt(number) : undefined;
}

export function describeJson(json: unknown): string {
  if (json === null) return 'null';
  return Array.isArray(json) ? 'an array' : `a ${typeof json}`;
}
