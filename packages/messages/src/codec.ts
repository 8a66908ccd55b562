import { AepError } from '@aep/kernel';
import type { FieldKind } from './field-info.js';
import type { MessageType } from './message-type.js';
import * as reader from './wire-reader.js';
import { readString } from './wire-string.js';
import * as writer from './wire-writer.js';

/** How one kind of value is read, written and checked: for lists and maps, and for what is not worth generated code. */
export interface Codec<T> {
  readonly kind: FieldKind;
  /** Wire type of a single value: 0 varint, 1 64-bit, 2 length-delimited, 5 32-bit. */
  readonly wireType: number;
  readonly initial: T;
  read(bytes: Uint8Array, at: number, place: string): T;
  write(target: Uint8Array, at: number, value: T): number;
  /** An upper bound of the encoded size. */
  sizeMax(value: T): number;
  isValid(value: unknown): boolean;
}

const isInt32 = (value: unknown): boolean => typeof value === 'number' && (value | 0) === value;
const isUint32 = (value: unknown): boolean => typeof value === 'number' && value >>> 0 === value;
const isNumber = (value: unknown): boolean => typeof value === 'number';
const isInt64 = (value: unknown): boolean => typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
const isUint64 = (value: unknown): boolean => typeof value === 'bigint' && BigInt.asUintN(64, value) === value;
const isSafe = (value: unknown): boolean => Number.isSafeInteger(value);
const isSafeUnsigned = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isString = (value: unknown): boolean => typeof value === 'string';
const isBytes = (value: unknown): boolean => value instanceof Uint8Array;

const sizeMaxByWireType = [10, 8, 0, 0, 0, 4];

/** A codec of a type whose values have a bounded size. */
function sized<T>(codec: Omit<Codec<T>, 'sizeMax'>): Codec<T> {
  const size = sizeMaxByWireType[codec.wireType]!;
  return { ...codec, sizeMax: () => size };
}

/** Codecs of the scalar types; those with `Number` hold 64-bit integers as `number`. */
// prettier-ignore
export const codecs = {
  double: sized<number>({ kind: 'double', wireType: 1, initial: 0, read: reader.readDouble, write: writer.writeDouble, isValid: isNumber }),
  float: sized<number>({ kind: 'float', wireType: 5, initial: 0, read: reader.readFloat, write: writer.writeFloat, isValid: isNumber }),
  int32: sized<number>({ kind: 'int32', wireType: 0, initial: 0, read: reader.readInt32, write: writer.writeInt32, isValid: isInt32 }),
  uint32: sized<number>({ kind: 'uint32', wireType: 0, initial: 0, read: reader.readUint32, write: writer.writeUint32, isValid: isUint32 }),
  sint32: sized<number>({ kind: 'sint32', wireType: 0, initial: 0, read: reader.readSint32, write: writer.writeSint32, isValid: isInt32 }),
  fixed32: sized<number>({ kind: 'fixed32', wireType: 5, initial: 0, read: reader.readFixed32, write: writer.writeFixed32, isValid: isUint32 }),
  sfixed32: sized<number>({ kind: 'sfixed32', wireType: 5, initial: 0, read: reader.readSfixed32, write: writer.writeFixed32, isValid: isInt32 }),
  enum: sized<number>({ kind: 'enum', wireType: 0, initial: 0, read: reader.readInt32, write: writer.writeInt32, isValid: isInt32 }),
  int64: sized<bigint>({ kind: 'int64', wireType: 0, initial: 0n, read: reader.readInt64, write: writer.writeInt64, isValid: isInt64 }),
  uint64: sized<bigint>({ kind: 'uint64', wireType: 0, initial: 0n, read: reader.readUint64, write: writer.writeInt64, isValid: isUint64 }),
  sint64: sized<bigint>({ kind: 'sint64', wireType: 0, initial: 0n, read: reader.readSint64, write: writer.writeSint64, isValid: isInt64 }),
  fixed64: sized<bigint>({ kind: 'fixed64', wireType: 1, initial: 0n, read: reader.readFixed64, write: writer.writeFixed64, isValid: isUint64 }),
  sfixed64: sized<bigint>({ kind: 'sfixed64', wireType: 1, initial: 0n, read: reader.readSfixed64, write: writer.writeFixed64, isValid: isInt64 }),
  int64Number: sized<number>({ kind: 'int64', wireType: 0, initial: 0, read: reader.readInt64Number, write: writer.writeInt64Number, isValid: isSafe }),
  uint64Number: sized<number>({ kind: 'uint64', wireType: 0, initial: 0, read: reader.readUint64Number, write: writer.writeInt64Number, isValid: isSafeUnsigned }),
  sint64Number: sized<number>({ kind: 'sint64', wireType: 0, initial: 0, read: reader.readSint64Number, write: writer.writeSint64Number, isValid: isSafe }),
  fixed64Number: sized<number>({ kind: 'fixed64', wireType: 1, initial: 0, read: reader.readFixed64Number, write: writer.writeFixed64Number, isValid: isSafeUnsigned }),
  sfixed64Number: sized<number>({ kind: 'sfixed64', wireType: 1, initial: 0, read: reader.readSfixed64Number, write: writer.writeFixed64Number, isValid: isSafe }),
  bool: sized<boolean>({ kind: 'bool', wireType: 0, initial: false, read: reader.readBool, write: writer.writeBool, isValid: isBoolean }),
  string: {
    kind: 'string', wireType: 2, initial: '', read: readString, write: writer.writeString, isValid: isString,
    sizeMax: (value) => 5 + 3 * value.length,
  } satisfies Codec<string> as Codec<string>,
  bytes: {
    kind: 'bytes', wireType: 2, initial: new Uint8Array(0), read: reader.readBytes, write: writer.writeBytes, isValid: isBytes,
    sizeMax: (value) => 5 + value.length,
  } satisfies Codec<Uint8Array> as Codec<Uint8Array>,
};

/** The value of a bytes field that is not set. */
export const noBytes = codecs.bytes.initial;

/** The codec of an enum: an int32 on the wire; unknown numbers are kept. */
export function enumCodec<E extends number>(): Codec<E> {
  return codecs.enum as unknown as Codec<E>;
}

/** What setters look at first, once more and for every kind: the error when a field of a single value cannot hold it. @throws AEP_FIELD_VALUE */
export function checkValue({ fullName, fields }: MessageType, number: number, value: unknown): void {
  const { kind, int64AsNumber, protoName } = fields.find((field) => field.number === number)!;
  const name = kind + (int64AsNumber === true ? 'Number' : '');
  if (!codecs[name as keyof typeof codecs].isValid(value)) refuseValue(`${fullName}.${protoName}`, name, value);
}

/** Throws the error for a value that a field cannot hold. @throws AEP_FIELD_VALUE */
export function refuseValue(place: string, kind: string, value: unknown): never {
  const shown =
    typeof value === 'string' ? `"${value.slice(0, 40)}"` : typeof value === 'bigint' ? `${value}n` : describe(value);
  const expected = kind.endsWith('Number') ? `${kind.slice(0, -6)} as a safe integer` : kind;
  throw new AepError('AEP_FIELD_VALUE', 'reject', `${place}: expected ${expected}, got ${shown}`, { field: place });
}

function describe(value: unknown): string {
  const isPlain = typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null;
  return isPlain ? String(value) : `a ${typeof value}`;
}
