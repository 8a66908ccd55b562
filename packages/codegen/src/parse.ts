import type { FieldKind } from '@aep/messages';
import protobuf from 'protobufjs';
import { featureOf, type Optioned } from './features.js';
import { invalid } from './invalid.js';
import { Locator } from './locate.js';
import { factoryNameOf, jsonNameOf, stripEnumPrefix } from './naming.js';
import type { EnumSchema, FieldSchema, FileSchema, MessageSchema, OneofSchema, SourceFile } from './schema.js';

const idMax = 0x7fff_ffff;
const scalarKinds: ReadonlySet<string> = new Set<FieldKind>([
  'double',
  'float',
  'int32',
  'uint32',
  'sint32',
  'fixed32',
  'sfixed32',
  'int64',
  'uint64',
  'sint64',
  'fixed64',
  'sfixed64',
  'bool',
  'string',
  'bytes',
]);
const int64Kinds: ReadonlySet<string> = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);

/** protobufjs' own parsing bounds nesting; this bounds the file. */
const textLengthMax = 10_000_000;

interface Context {
  readonly file: FileSchema;
  readonly locator: Locator;
}

/**
 * One file to its schema; references between types are still names.
 *
 * @throws AEP_PROTO_INVALID with file, line and column
 */
export function parseFile(source: SourceFile): FileSchema {
  const locator = new Locator(source.path, source.text.slice(0, textLengthMax));
  if (source.text.length > textLengthMax) throw invalid(locator.find(''), `more than ${textLengthMax} characters`);
  const parsed = parseText(source, locator);
  const namespace = parsed.package === undefined ? parsed.root : parsed.root.lookup(parsed.package);
  const options = (namespace?.options ?? {}) as Record<string, unknown>;
  const file: FileSchema = {
    path: source.path,
    packageName: parsed.package ?? '',
    syntax: syntaxOf(source.text),
    imports: [...(parsed.imports ?? []), ...(parsed.weakImports ?? [])],
    factoryId: idOption(options, 'factory_id', locator),
    factoryName: nameOption(options, locator) ?? factoryNameOf(source.path),
    messages: [],
    enums: [],
    wellKnown: source.path.startsWith('google/protobuf/'),
  };
  if (file.syntax === 'proto2')
    throw invalid(
      locator.find(''),
      'proto2 is not supported: begin the file with syntax = "proto3"; or edition = "2023";',
    );
  const context = { file, locator };
  for (const nested of (namespace as protobuf.NamespaceBase).nestedArray) addDeclaration(context, nested, '');
  return file;
}

function parseText(source: SourceFile, locator: Locator): protobuf.IParserResult {
  try {
    return protobuf.parse(source.text, { keepCase: true, alternateCommentMode: true });
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const inLine = /^(.*?) \(line (\d+)\)$/s.exec(message);
    if (inLine !== null)
      throw invalid(locator.onLine(Number(inLine[2]), /'(.*)'/s.exec(message)?.[1] ?? ''), inLine[1]!);
    const inType = /^(?:duplicate )?(name|id) '?(\w+)'? (?:is reserved )?in \w+ (\w+)/.exec(message);
    if (inType === null) throw invalid(locator.find(''), message);
    const key = `${inType[3]!}.${inType[1] === 'id' ? '=' : ''}${inType[2]!}`;
    throw invalid(locator.find(message.startsWith('duplicate') ? `${key}#2` : key), message);
  }
}

function syntaxOf(text: string): string {
  const withoutComments = text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, ' ');
  return /^\s*(?:syntax|edition)\s*=\s*["']([^"']*)["']/.exec(withoutComments)?.[1] ?? 'proto2';
}

function optionOf(options: Record<string, unknown>, name: string): unknown {
  return options[`(aep.${name})`] ?? options[`(.aep.${name})`];
}

function idOption(options: Record<string, unknown>, name: string, locator: Locator, key = ''): number {
  const value = optionOf(options, name);
  if (value === undefined) return 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= idMax) return value;
  throw invalid(locator.find(key), `(aep.${name}): expected an integer in 1..${idMax}, got ${JSON.stringify(value)}`);
}

function nameOption(options: Record<string, unknown>, locator: Locator): string | undefined {
  const value = optionOf(options, 'factory_name');
  if (value === undefined || (typeof value === 'string' && /^[A-Za-z]\w*$/.test(value))) return value;
  throw invalid(
    locator.find(''),
    `(aep.factory_name): expected a name such as OrdersFactory, got ${JSON.stringify(value)}`,
  );
}

function flagOption(options: Record<string, unknown>, name: string, place: { locator: Locator; key: string }): boolean {
  const value = optionOf(options, name);
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw invalid(place.locator.find(place.key), `(aep.${name}): expected true or false, got ${JSON.stringify(value)}`);
}

function addDeclaration(context: Context, declared: protobuf.ReflectionObject, scope: string): void {
  if (declared instanceof protobuf.Type) addMessage(context, declared, scope);
  else if (declared instanceof protobuf.Enum) addEnum(context, declared, scope);
  // Services and extensions are other programs' business: nothing is generated for them.
}

function qualify(file: FileSchema, name: string): string {
  return file.packageName === '' ? name : `${file.packageName}.${name}`;
}

function addMessage(context: Context, type: protobuf.Type, scope: string): void {
  const { file, locator } = context;
  const name = scope === '' ? type.name : `${scope}.${type.name}`;
  const options = type.options ?? {};
  const reserved = (type.reserved ?? []) as readonly (number[] | string)[];
  const message: MessageSchema = {
    file,
    name,
    fullName: qualify(file, name),
    comment: type.comment ?? undefined,
    place: locator.find(name),
    fields: [],
    oneofs: [],
    typeId: idOption(options, 'type_id', locator, name),
    isStateRoot: flagOption(options, 'state_root', { locator, key: name }),
    isMarkedEntity: flagOption(options, 'entity', { locator, key: name }),
    reservedNumbers: reserved.filter((range) => typeof range !== 'string').map(([from, to]) => [from!, to!]),
    reservedNames: reserved.filter((range) => typeof range === 'string'),
    viewName: '',
    entityName: '',
  };
  file.messages.push(message);
  const oneofs = new Map<protobuf.OneOf, OneofSchema>();
  for (const declared of type.fieldsArray) {
    const field = toField(context, message, declared, oneofs);
    message.fields.push(field);
    field.oneof?.fields.push(field);
  }
  // Fields are written in the order of their numbers, as every protobuf program does.
  message.fields.sort((a, b) => a.number - b.number);
  for (const nested of type.nestedArray) addDeclaration(context, nested, name);
}

function toField(
  context: Context,
  message: MessageSchema,
  field: protobuf.Field,
  oneofs: Map<protobuf.OneOf, OneofSchema>,
): FieldSchema {
  const place = context.locator.find(`${message.name}.${field.name}`);
  const options = field.options ?? {};
  const isMap = field instanceof protobuf.MapField;
  const isMessage = !isMap && !scalarKinds.has(field.type);
  const isProto3Optional = options['proto3_optional'] === true;
  const oneof = field.partOf === null || isProto3Optional ? undefined : oneofOf(message, field.partOf, oneofs);
  if (options['default'] !== undefined)
    throw invalid(place, `${field.name}: default values other than the type's own are not supported`);
  checkFeatures(context, field, place);
  const repeated = field.repeated && !isMap;
  const optional =
    isProto3Optional || (context.file.syntax !== 'proto3' && featureOf(field, 'field_presence') !== 'IMPLICIT');
  return {
    message,
    name: field.name,
    jsonName: typeof options['json_name'] === 'string' ? options['json_name'] : jsonNameOf(field.name),
    number: field.id,
    comment: field.comment ?? undefined,
    place,
    repeated,
    packed: repeated && isPacked(context, field, isMessage),
    // Whether a named type is a message, which always has presence, shows when files are linked.
    presence: !repeated && !isMap && (optional || oneof !== undefined),
    oneof,
    int64AsNumber: !isMap && int64Kinds.has(field.type) && options['jstype'] === 'JS_NUMBER',
    deprecated: options['deprecated'] === true,
    isMap,
    mapKey: isMap ? (field.keyType as FieldKind) : undefined,
    typeName: field.type,
    kind: scalarKinds.has(field.type) ? (field.type as FieldKind) : 'message',
    messageType: undefined,
    enumType: undefined,
    tsName: '',
  };
}

function isPacked(context: Context, field: protobuf.Field, isNamedType: boolean): boolean {
  if (field.type === 'string' || field.type === 'bytes') return false;
  const option = field.options?.['packed'];
  if (typeof option === 'boolean') return option;
  if (isNamedType && context.file.syntax === 'proto3') return true;
  return context.file.syntax === 'proto3' || featureOf(field, 'repeated_field_encoding') !== 'EXPANDED';
}

function checkFeatures(context: Context, field: protobuf.Field & Optioned, place: ReturnType<Locator['find']>): void {
  if (context.file.syntax === 'proto3') return;
  if (featureOf(field, 'message_encoding') === 'DELIMITED')
    throw invalid(place, `${field.name}: message_encoding = DELIMITED (groups) is not supported`);
  if (featureOf(field, 'field_presence') === 'LEGACY_REQUIRED')
    throw invalid(place, `${field.name}: required fields are not supported`);
  if (featureOf(field, 'enum_type') === 'CLOSED')
    throw invalid(place, `${field.name}: enum_type = CLOSED is not supported`);
}

function oneofOf(
  message: MessageSchema,
  declared: protobuf.OneOf,
  oneofs: Map<protobuf.OneOf, OneofSchema>,
): OneofSchema {
  let oneof = oneofs.get(declared);
  if (oneof === undefined) {
    oneof = { name: declared.name, comment: declared.comment ?? undefined, fields: [], tsName: '' };
    oneofs.set(declared, oneof);
    message.oneofs.push(oneof);
  }
  return oneof;
}

function addEnum({ file, locator }: Context, declared: protobuf.Enum, scope: string): void {
  const name = scope === '' ? declared.name : `${scope}.${declared.name}`;
  const place = locator.find(name);
  const entries = Object.entries(declared.values);
  if (entries.length === 0) throw invalid(place, `enum ${name} has no values`);
  if (entries[0]![1] !== 0) throw invalid(place, `enum ${name}: the first value must be 0, it is the default`);
  const shortNames = stripEnumPrefix(
    declared.name,
    entries.map(([value]) => value),
  );
  const schema: EnumSchema = {
    file,
    name,
    fullName: qualify(file, name),
    comment: declared.comment ?? undefined,
    place,
    values: entries.map(([value, number], index) => ({
      name: value,
      number,
      comment: declared.comments[value] ?? undefined,
      tsName: shortNames[index]!,
    })),
    tsName: '',
  };
  file.enums.push(schema);
}
