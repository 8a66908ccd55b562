import type { MessageClass, MessageType, MessageView } from '@aep/messages';
import type { RecordedMessage } from '../bus/recorded-message.js';
import { type ExpectedFields, expectedJson, type FieldsJson, fieldsOf, isDefault, matches } from './fields.js';

/** A message that a test expects on a channel; what is left out is not looked at. */
export type ExpectedMessage<M> = M extends MessageView
  ? {
      readonly type?: MessageClass<M>;
      /** The resolved key. */
      readonly key?: string;
      /** Some fields of the message, or with `exact` all that are set. */
      readonly fields?: ExpectedFields<M>;
      /** Fields that are set and not expected are a difference. @default false */
      readonly exact?: boolean;
    }
  : never;

/** As {@link ExpectedMessage}, for code that does not care for the type. */
export interface AnyExpected {
  readonly type?: MessageClass;
  readonly key?: string;
  readonly fields?: object;
  readonly exact?: boolean;
}

/** A recorded message, read. */
export interface SentMessage {
  readonly channel: string;
  readonly key: string;
  readonly type: MessageType | undefined;
  /** `shop.NewOrder`, or the ids of a type that the application does not know. */
  readonly typeName: string;
  readonly fields: FieldsJson;
  readonly recorded: RecordedMessage;
}

export type TypeFinder = (factoryId: number, typeId: number) => MessageType | undefined;

export function readSent(recorded: RecordedMessage, find: TypeFinder): SentMessage {
  const { channel, key, metadata } = recorded;
  const type = find(metadata.factoryId, metadata.typeId);
  const typeName = type?.fullName ?? `type ${metadata.typeId} of factory ${metadata.factoryId}`;
  return { channel, key, type, typeName, fields: type === undefined ? {} : read(type, recorded.bytes), recorded };
}

function read(type: MessageType, bytes: Uint8Array): FieldsJson {
  const view = type.wrap(bytes);
  try {
    return fieldsOf(view);
  } finally {
    view.dispose();
  }
}

/** @throws AEP_TEST_FIELD_UNKNOWN */
export function isExpected(expected: AnyExpected, sent: SentMessage): boolean {
  const { type, key, fields, exact = false } = expected;
  if (type !== undefined && type.$type.fullName !== sent.typeName) return false;
  if (key !== undefined && key !== sent.key) return false;
  const known = type?.$type ?? sent.type;
  if (known === undefined) return fields === undefined;
  return matches(fields === undefined && !exact ? {} : expectedJson(known, fields ?? {}), sent.fields, exact);
}

/** Lines that tell how a message differs: `-` expected, `+` sent, nothing in front of what agrees. */
export function differenceOf(expected: AnyExpected, sent: SentMessage): string[] {
  const { type, key, fields = {}, exact = false } = expected;
  const lines: string[] = [];
  const compare = (name: string, want: string | undefined, have: string): void => {
    if (want === undefined || want === have) lines.push(`  ${name}${have}`);
    else lines.push(`- ${name}${want}`, `+ ${name}${have}`);
  };
  compare('', type?.$type.fullName, sent.typeName);
  compare('key ', key === undefined ? undefined : JSON.stringify(key), JSON.stringify(sent.key));
  if (type !== undefined && type.$type.fullName !== sent.typeName) return [...lines, ...fieldLines(sent, '+ ')];
  const want = sent.type === undefined ? {} : expectedJson(sent.type, fields);
  for (const [name, have] of Object.entries(sent.fields)) {
    const isNamed = Object.hasOwn(want, name);
    if (!isNamed && isDefault(have)) continue;
    if (isNamed ? matches(want[name], have, exact) : !exact) lines.push(`  ${name}: ${JSON.stringify(have)}`);
    else {
      if (isNamed) lines.push(`- ${name}: ${JSON.stringify(want[name])}`);
      lines.push(`+ ${name}: ${JSON.stringify(have)}${isNamed ? '' : '   (not expected)'}`);
    }
  }
  return lines;
}

/** One line: type, key and the fields that are not at their default. */
export function describeSent(sent: SentMessage): string {
  const set = Object.fromEntries(Object.entries(sent.fields).filter(([, value]) => !isDefault(value)));
  const key = sent.key === '' ? '' : ` key ${JSON.stringify(sent.key)}`;
  return `${sent.typeName}${key} ${JSON.stringify(set)}`;
}

export function describeExpected({ type, key, fields = {} }: AnyExpected): string {
  const shown = type === undefined ? fields : expectedJson(type.$type, fields);
  const text = JSON.stringify(shown, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  return `${type?.$type.fullName ?? 'a message'}${key === undefined ? '' : ` key ${JSON.stringify(key)}`} ${text}`;
}

function fieldLines(sent: SentMessage, mark: string): string[] {
  return Object.entries(sent.fields)
    .filter(([, value]) => !isDefault(value))
    .map(([name, value]) => `${mark}${name}: ${JSON.stringify(value)}`);
}
