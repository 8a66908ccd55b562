import type { MessageType } from './message-type.js';
import type { EntityType } from './entity.js';

/** Kind of a field's value (of the elements when `repeated`, of the map itself for `map`). */
export type FieldKind =
  | 'double'
  | 'float'
  | 'int32'
  | 'uint32'
  | 'sint32'
  | 'fixed32'
  | 'sfixed32'
  | 'int64'
  | 'uint64'
  | 'sint64'
  | 'fixed64'
  | 'sfixed64'
  | 'bool'
  | 'string'
  | 'bytes'
  | 'enum'
  | 'message'
  | 'map';

/**
 * What tools, channel keys and ProtoJSON need to know of one field. Generated code makes one frozen table per class;
 * nothing on the hot path interprets it.
 *
 * `get` answers what the property of the class answers: number, bigint, string, boolean, Uint8Array, an embedded message
 * (never undefined), a TrackedList or a TrackedMap. `has` answers presence: for fields without presence whether the value
 * differs from the default, for lists and maps whether they hold an element.
 */
export interface FieldInfo<T = unknown> {
  /** Name of the property in TypeScript. */
  readonly name: string;
  readonly protoName: string;
  readonly jsonName: string;
  readonly number: number;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** `optional`, a member of a oneof, or an embedded message: `has` tells an unset field from one that holds the default. */
  readonly presence: boolean;
  /** Proto name of the oneof that the field is a member of. */
  readonly oneof?: string;
  /** 64-bit integers as `number` (`jstype = JS_NUMBER`) instead of `bigint`. */
  readonly int64AsNumber?: boolean;
  /** Of a map: kind of the keys and of the values. */
  readonly mapKey?: FieldKind;
  readonly mapValue?: FieldKind;
  /** Of an enum, an enum element or an enum value of a map. */
  readonly enumNames?: ReadonlyMap<number, string>;
  readonly enumName?: string;
  get(message: T): unknown;
  has(message: T): boolean;
  /** Assigns what `get` answers for the kind; lists and maps take iterables. @throws AEP_VIEW_READ_ONLY, AEP_FIELD_VALUE */
  set(message: T, value: unknown): void;
  /** Type of an embedded message (element, map value). In the table of an entity class it is the entity type. */
  message?(): MessageType | EntityType;
}
