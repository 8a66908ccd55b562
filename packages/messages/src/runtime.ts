/*
 * What generated code imports. Not for hand-written code: it changes together with the generator.
 */
export { checkedMode } from './checked-mode.js';
export { codecs, enumCodec, noBytes, refuseValue } from './codec.js';
export { Entity, type EntityType } from './entity.js';
export type { FieldInfo } from './field-info.js';
export { EntityList, type MessageListField, ViewList } from './message-list.js';
export type { MessageFactory, MessageType } from './message-type.js';
export { type ListField, TrackedList } from './tracked-list.js';
export { EntityMap, type MapField, type MessageMapField, TrackedMap, ViewMap } from './tracked-map.js';
export { type Fate, isPresent, MessageView } from './view.js';
export { ViewType } from './view-pool.js';
export { DISPOSED, GIVEN_MUTABLE, MUTABLE, READABLE, WRAPPED } from './view-state.js';
export {
  afterBytes,
  afterUnknown,
  afterVarint,
  readBool,
  readBytes,
  readDouble,
  readFixed32,
  readFixed64,
  readFixed64Number,
  readFloat,
  readInt32,
  readInt64,
  readInt64Number,
  readLongTag,
  readSfixed32,
  readSfixed64,
  readSfixed64Number,
  readSint32,
  readSint64,
  readSint64Number,
  readUint32,
  readUint64,
  readUint64Number,
  wire,
} from './wire-reader.js';
export { readString } from './wire-string.js';
export {
  appendBytes,
  closeLength,
  copyBytes,
  copyRanges,
  writeBool,
  writeBytes,
  writeDouble,
  writeFixed32,
  writeFixed64,
  writeFixed64Number,
  writeFloat,
  writeInt32,
  writeInt64,
  writeInt64Number,
  writeSint32,
  writeSint64,
  writeSint64Number,
  writeString,
  writeUint32,
} from './wire-writer.js';
