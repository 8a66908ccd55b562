import type { Entity } from './entity.js';
import type { FieldInfo } from './field-info.js';
import {
  describeJson,
  invalidJson,
  jsonToScalar,
  mapKeyToJson,
  scalarToJson,
  setJsonProperty,
  textToMapKey,
} from './json-scalar.js';
import { type JsonConverter, type JsonMessage, readWellKnown, wellKnownForm } from './json-well-known.js';
import { messageLimits, refuseDepth } from './limits.js';
import { EmbeddedList } from './message-list.js';
import type { JsonValue, MessageType } from './message-type.js';
import { FieldList, TrackedList } from './tracked-list.js';
import { EmbeddedMap, type FieldMap, type MapKey, TrackedMap } from './tracked-map.js';
import type { MessageView } from './view.js';

type AnyField = FieldInfo;

const converter: JsonConverter = { write: messageToJson, read: jsonToMessage };

export function viewToJson(view: MessageView): JsonValue {
  return messageToJson(view);
}

export function entityToJson(entity: Entity): JsonValue {
  return messageToJson(entity);
}

/** A mutable message from a ProtoJSON document or its text; what was made so far is disposed when it is refused. */
export function viewFromJson<T extends MessageView>(type: MessageType<T>, json: unknown): T {
  const document =
    typeof json === 'string' && !wellKnownForm(type.fullName)?.isString ? parseText(type.fullName, json) : json;
  const view = type.create();
  try {
    jsonToMessage(view, document, type.fullName);
  } catch (error) {
    view.dispose();
    throw error;
  }
  return view;
}

function parseText(typeName: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidJson(typeName, `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** ProtoJSON of any message; fields without presence that hold their default are left out. */
export function messageToJson(message: JsonMessage): JsonValue {
  const form = wellKnownForm(message.$type.fullName);
  if (form !== undefined) return form.write(message, converter);
  const json: Record<string, JsonValue> = {};
  for (const field of message.$type.fields as readonly AnyField[]) {
    if (field.has(message)) setJsonProperty(json, field.jsonName, fieldToJson(field, field.get(message)));
  }
  return json;
}

function fieldToJson(field: AnyField, value: unknown): JsonValue {
  if (field.kind === 'map') {
    const json: Record<string, JsonValue> = {};
    for (const [key, item] of value as FieldMap<MapKey, unknown>)
      setJsonProperty(json, mapKeyToJson(key), elementToJson(field, item));
    return json;
  }
  if (field.repeated) return Array.from(value as FieldList<unknown>, (item) => elementToJson(field, item));
  return elementToJson(field, value);
}

function elementToJson(field: AnyField, value: unknown): JsonValue {
  if (field.message !== undefined) return messageToJson(value as JsonMessage);
  return scalarToJson(field, value);
}

/** Sets the fields of an empty message from ProtoJSON. @throws AEP_JSON_INVALID naming the path */
export function jsonToMessage(message: JsonMessage, json: unknown, path: string): void {
  if (message.$depth > messageLimits.depthMax) refuseDepth(message.$type.fullName);
  if (readWellKnown(message, { json, path }, converter)) return;
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalidJson(path, `expected an object, got ${describeJson(json)}`);
  }
  const oneofs = new Map<string, string>();
  for (const [name, value] of Object.entries(json)) {
    const field = findField(message, name, path);
    const place = `${path}.${name}`;
    if (value === null && !acceptsNull(field)) continue;
    if (field.oneof !== undefined) {
      const other = oneofs.get(field.oneof);
      if (other !== undefined)
        throw invalidJson(place, `${other} is set too, and both are in the oneof ${field.oneof}`);
      oneofs.set(field.oneof, name);
    }
    jsonToField(message, field, { json: value, path: place });
  }
}

/** Both the JSON name and the proto name are accepted, as ProtoJSON wants it. */
function findField(message: JsonMessage, name: string, path: string): AnyField {
  const fields = message.$type.fields as readonly AnyField[];
  const field = fields.find((candidate) => candidate.jsonName === name || candidate.protoName === name);
  if (field !== undefined) return field;
  const known = fields.map((candidate) => candidate.jsonName).join(', ');
  throw invalidJson(
    `${path}.${name}`,
    `${message.$type.fullName} has no such field; it has ${known === '' ? 'none' : known}`,
  );
}

/** JSON's null means "not set", except where null is a value. */
function acceptsNull(field: AnyField): boolean {
  return field.message?.().fullName === 'google.protobuf.Value' || field.enumName === 'google.protobuf.NullValue';
}

interface Place {
  readonly json: unknown;
  readonly path: string;
}

function jsonToField(message: JsonMessage, field: AnyField, { json, path }: Place): void {
  if (field.kind === 'map') return jsonToMap(field.get(message) as FieldMap<MapKey, unknown>, field, { json, path });
  if (field.repeated) return jsonToList(field.get(message) as FieldList<unknown>, field, { json, path });
  if (field.message === undefined) return field.set(message, jsonToScalar(field, json, path));
  const embedded = field.get(message) as JsonMessage & { $beforeChange(): void };
  // Present even when the document says nothing about its fields.
  embedded.$beforeChange();
  jsonToMessage(embedded, json, path);
}

function jsonToList(list: FieldList<unknown>, field: AnyField, { json, path }: Place): void {
  if (!Array.isArray(json)) throw invalidJson(path, `expected an array, got ${describeJson(json)}`);
  json.forEach((item, index) => {
    const place = `${path}[${index}]`;
    if (item === null && !acceptsNull(field)) throw invalidJson(place, 'null is no element');
    if (list instanceof EmbeddedList) jsonToMessage(list.add() as JsonMessage, item, place);
    else if (list instanceof TrackedList) list.push(jsonToScalar(field, item, place));
  });
}

function jsonToMap(map: FieldMap<MapKey, unknown>, field: AnyField, { json, path }: Place): void {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalidJson(path, `expected an object, got ${describeJson(json)}`);
  }
  for (const [name, item] of Object.entries(json)) {
    const place = `${path}[${JSON.stringify(name)}]`;
    if (item === null && !acceptsNull(field)) throw invalidJson(place, 'null is no value');
    const key = textToMapKey(field.mapKey!, name, place);
    if (map instanceof EmbeddedMap) jsonToMessage(map.getOrCreate(key) as JsonMessage, item, place);
    else if (map instanceof TrackedMap) map.set(key, jsonToScalar({ ...field, kind: field.mapValue! }, item, place));
  }
}
