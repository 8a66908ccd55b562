import { type FieldInfo, TrackedList, TrackedMap } from '@aep/messages';
import protobuf from 'protobufjs';
import { type Model, type RandomField, type RandomMessage } from './random-schema.js';

/** Converting between the test's models, our objects and protobufjs' plain objects. */

interface Reflected {
  readonly $type: { readonly fields: readonly FieldInfo<never>[] };
}

type AnyField = FieldInfo;
type Pairs = readonly (readonly [never, unknown])[];

function fieldsOf(message: Reflected): readonly AnyField[] {
  return message.$type.fields;
}

/** Sets the fields of a message or entity, in the order of the model. */
export function fill(message: Reflected, model: Model): void {
  for (const [name, value] of Object.entries(model)) {
    const field = fieldsOf(message).find((candidate) => candidate.protoName === name)!;
    const current = field.get(message);
    if (current instanceof TrackedList) current.assign(value as Iterable<never>);
    else if (current instanceof TrackedMap) for (const [key, item] of value as Pairs) current.set(key, item);
    else if (field.kind === 'map')
      for (const [key, item] of value as Pairs) fill((current as MapOfMessages).getOrCreate(key), item as Model);
    else if (field.repeated) for (const item of value as Model[]) fill((current as ListOfMessages).add(), item);
    else if (field.kind === 'message') fillEmbedded(current as Reflected & { $beforeChange(): void }, value as Model);
    else field.set(message, value);
  }
}

interface MapOfMessages {
  getOrCreate(key: never): Reflected;
}
interface ListOfMessages {
  add(): Reflected;
}

function fillEmbedded(message: Reflected & { $beforeChange(): void }, model: Model): void {
  message.$beforeChange();
  fill(message, model);
}

/** What a message or entity holds, read field by field. */
export function read(message: Reflected): Model {
  const model: Model = {};
  for (const field of fieldsOf(message))
    if (field.has(message)) model[field.protoName] = readField(field, field.get(message));
  return model;
}

function readField(field: AnyField, value: unknown): unknown {
  const element = (item: unknown): unknown => (field.message === undefined ? item : read(item as Reflected));
  if (field.kind === 'map')
    return [...(value as Iterable<[unknown, unknown]>)].map(([key, item]) => [key, element(item)]);
  return field.repeated ? [...(value as Iterable<unknown>)].map(element) : element(value);
}

/** The model as protobufjs encodes it; and the model with its maps in the order in which protobufjs walks an object's keys. */
export function toProtobufjs(messages: readonly RandomMessage[], name: string, model: Model): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  const message = messages.find((candidate) => candidate.name === name)!;
  for (const field of message.fields) {
    if (!(field.name in model)) continue;
    const value = model[field.name];
    const convert = (item: unknown): unknown => convertValue(messages, field, item);
    if (field.rule === 'map')
      plain[field.name] = Object.fromEntries((value as Pairs).map(([key, item]) => [String(key), convert(item)]));
    else plain[field.name] = Array.isArray(value) ? value.map(convert) : convert(value);
  }
  return plain;
}

function convertValue(messages: readonly RandomMessage[], field: RandomField, value: unknown): unknown {
  if (messages.some((message) => message.name === field.type))
    return toProtobufjs(messages, field.type, value as Model);
  const isUnsigned = field.type === 'uint64' || field.type === 'fixed64';
  return field.type.endsWith('64') ? protobuf.util.LongBits.from(String(value)).toLong(isUnsigned) : value;
}

/** Maps in the order in which JavaScript walks an object with these keys: whole numbers first, ascending. */
export function inObjectOrder(messages: readonly RandomMessage[], name: string, model: Model): Model {
  const message = messages.find((candidate) => candidate.name === name)!;
  const sorted: Model = {};
  for (const field of message.fields) {
    if (!(field.name in model)) continue;
    const embedded = messages.some((candidate) => candidate.name === field.type);
    const convert = (item: unknown): unknown => (embedded ? inObjectOrder(messages, field.type, item as Model) : item);
    const value = model[field.name];
    if (field.rule === 'map') {
      const pairs = new Map((value as Pairs).map((pair) => [String(pair[0]), pair]));
      const order = Object.keys(Object.fromEntries(pairs));
      sorted[field.name] = order.map((key) => [pairs.get(key)![0], convert(pairs.get(key)![1])]);
    } else sorted[field.name] = Array.isArray(value) ? value.map(convert) : convert(value);
  }
  return sorted;
}
