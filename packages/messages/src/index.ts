export { Entity, type EntityClass, type EntityOwner, type EntityType } from './entity.js';
export type { FieldInfo, FieldKind } from './field-info.js';
export { messageLimits, type MessageLimits, setMessageLimits } from './limits.js';
export { EntityList, ViewList } from './message-list.js';
export type { JsonValue, MessageClass, MessageFactory, MessageType } from './message-type.js';
export { MessageMetadata } from './metadata.js';
export { TrackedList } from './tracked-list.js';
export { EntityMap, type MapKey, TrackedMap, ViewMap } from './tracked-map.js';
export { TypeRegistry } from './type-registry.js';
export { MessageView } from './view.js';
export { Any, AnyEntity } from './gen/any.js';
export { Duration, DurationEntity } from './gen/duration.js';
export { Empty, EmptyEntity } from './gen/empty.js';
export { FieldMask, FieldMaskEntity } from './gen/field_mask.js';
export {
  ListValue,
  ListValueEntity,
  NullValue,
  NullValue$names,
  Struct,
  StructEntity,
  Value,
  ValueEntity,
} from './gen/struct.js';
export { Timestamp, TimestampEntity } from './gen/timestamp.js';
export {
  BoolValue,
  BoolValueEntity,
  BytesValue,
  BytesValueEntity,
  DoubleValue,
  DoubleValueEntity,
  FloatValue,
  FloatValueEntity,
  Int32Value,
  Int32ValueEntity,
  Int64Value,
  Int64ValueEntity,
  StringValue,
  StringValueEntity,
  UInt32Value,
  UInt32ValueEntity,
  UInt64Value,
  UInt64ValueEntity,
} from './gen/wrappers.js';
