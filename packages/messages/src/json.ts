import { AepError } from '@aep/kernel';
import type { Entity } from './entity.js';
import type { JsonValue, MessageType } from './message-type.js';
import type { MessageView } from './view.js';

export function viewToJson(view: MessageView): JsonValue {
  return fieldsToJson(view, view.$type.fields as never);
}
export function entityToJson(entity: Entity): JsonValue {
  return fieldsToJson(entity, entity.$type.fields as never);
}
function fieldsToJson(_m: unknown, _f: readonly unknown[]): JsonValue {
  return {};
}
export function viewFromJson<T extends MessageView>(type: MessageType<T>, _json: unknown): T {
  throw new AepError('AEP_JSON_INVALID', 'reject', `${type.fullName}: not yet`, {});
}
