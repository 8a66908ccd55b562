/*
 * What generated code imports. Not for hand-written code: it changes together with the generator.
 */
export { checkedMode } from './checked-mode.js';
export { codecs, refuseValue } from './codec.js';
export type { ListField } from './tracked-list.js';
export type { MapField, MessageMapField } from './tracked-map.js';
export type { MessageListField } from './message-list.js';
export { ViewType } from './view-pool.js';
export { DISPOSED, MUTABLE, READABLE } from './view-state.js';
export * as reader from './wire-reader.js';
export * as writer from './wire-writer.js';
