import { AepError, didYouMean } from '@aep/kernel';
import { invalid } from './invalid.js';
import { formatPlace, type Place } from './locate.js';
import { classNameOf, propertyNameOf } from './naming.js';
import { parseFile } from './parse.js';
import { markClasses } from './mark-classes.js';
import type { EnumSchema, FieldSchema, FileSchema, MessageSchema, Schema, SourceFile } from './schema.js';
import { wellKnownSources } from './well-known-sources.js';

/**
 * Parses the files and everything of ours that they import, resolves names, checks ids and decides on classes.
 *
 * @throws AEP_PROTO_INVALID, AEP_TYPE_ID_CLASH
 */
export function loadSchema(sources: readonly SourceFile[]): Schema {
  const files = parseAll(sources);
  const messages = new Map<string, MessageSchema>();
  const enums = new Map<string, EnumSchema>();
  for (const file of files.values()) {
    for (const message of file.messages) declare(messages, enums, message);
    for (const declared of file.enums) declare(enums, messages, declared);
  }
  for (const file of files.values()) {
    checkImports(file, files);
    for (const declared of file.enums) declared.tsName = classNameOf(declared.name);
    const visible = visibleFrom(file, files);
    for (const message of file.messages) linkMessage(message, { messages, enums, visible });
  }
  const schema: Schema = { files: [...files.values()], messages };
  checkIds(schema);
  markClasses(schema);
  return schema;
}

function parseAll(sources: readonly SourceFile[]): Map<string, FileSchema> {
  const files = new Map<string, FileSchema>();
  for (const source of sources) {
    if (files.has(source.path)) throw invalid({ path: source.path, line: 1, column: 1 }, 'the file is given twice');
    files.set(source.path, parseFile(source));
  }
  const wanted = [...files.values()].flatMap((file) => file.imports);
  for (const path of wanted) {
    const text = wellKnownSources.get(path);
    if (text === undefined || files.has(path)) continue;
    const file = parseFile({ path, text });
    files.set(path, file);
    wanted.push(...file.imports);
  }
  return files;
}

/** Known to protobuf compilers, but of no use at run time. */
const ignoredImports = new Set(['aep/options.proto', 'google/protobuf/descriptor.proto']);

function checkImports(file: FileSchema, files: ReadonlyMap<string, FileSchema>): void {
  for (const path of file.imports) {
    if (files.has(path) || ignoredImports.has(path)) continue;
    const place = { path: file.path, line: 1, column: 1 };
    if (path.startsWith('google/protobuf/')) {
      throw invalid(
        place,
        `import "${path}" is not supported; supported are ${[...wellKnownSources.keys()].join(', ')}`,
      );
    }
    throw invalid(place, `import "${path}": no such file was given${didYouMean(path, [...files.keys()])}`);
  }
}

interface Declared {
  readonly fullName: string;
  readonly place: Place;
}

function declare<T extends Declared>(names: Map<string, T>, others: ReadonlyMap<string, Declared>, declared: T): void {
  const other = names.get(declared.fullName) ?? others.get(declared.fullName);
  if (other !== undefined)
    throw invalid(declared.place, `${declared.fullName} is also declared at ${formatPlace(other.place)}`);
  names.set(declared.fullName, declared);
}

interface Names {
  readonly messages: ReadonlyMap<string, MessageSchema>;
  readonly enums: ReadonlyMap<string, EnumSchema>;
  readonly visible: ReadonlySet<FileSchema>;
}

function linkMessage(message: MessageSchema, names: Names): void {
  const taken = new Map<string, string>();
  for (const field of message.fields) {
    checkReserved(message, field);
    field.tsName = propertyNameOf(field.name);
    claim(taken, field.tsName, field);
    if (field.kind === 'message') resolveType(field, names);
  }
  claimHelpers(message, taken);
}

function resolveType(field: FieldSchema, names: Names): void {
  for (const candidate of candidates(field)) {
    field.messageType = names.messages.get(candidate);
    field.enumType = names.enums.get(candidate);
    if (field.messageType !== undefined || field.enumType !== undefined) break;
  }
  const found = field.messageType ?? field.enumType;
  if (found === undefined) {
    const full = [...names.messages.keys(), ...names.enums.keys()];
    const known = [...full, ...full.map((name) => name.replace(/^.*\./, ''))];
    throw invalid(field.place, `${field.name}: there is no type ${field.typeName}${didYouMean(field.typeName, known)}`);
  }
  if (!names.visible.has(found.file)) {
    throw invalid(
      field.place,
      `${field.name}: ${found.fullName} is declared in ${found.file.path}, which is not imported`,
    );
  }
  if (field.enumType !== undefined) field.kind = 'enum';
  else if (!field.repeated && !field.isMap) (field as { presence: boolean }).presence = true;
  if (field.messageType !== undefined) (field as { packed: boolean }).packed = false;
}

/**
 * The files whose types a file may name: itself and what it imports, directly or not. protobuf wants `import public` for the latter;
 * protobufjs does not tell the two apart, so being lenient is all that is left.
 */
function visibleFrom(file: FileSchema, files: ReadonlyMap<string, FileSchema>): Set<FileSchema> {
  const visible = new Set([file]);
  for (const seen of visible) {
    for (const path of seen.imports) {
      const imported = files.get(path);
      if (imported !== undefined) visible.add(imported);
    }
  }
  return visible;
}

/** The names that a type name can stand for: innermost scope first. */
function candidates(field: FieldSchema): string[] {
  const { typeName, message } = field;
  if (typeName.startsWith('.')) return [typeName.slice(1)];
  const scopes = message.fullName.split('.');
  const found: string[] = [];
  for (let depth = scopes.length; depth >= 0; depth--) found.push([...scopes.slice(0, depth), typeName].join('.'));
  return found;
}

function checkReserved(message: MessageSchema, field: FieldSchema): void {
  if (field.number >= 19_000 && field.number <= 19_999)
    throw invalid(field.place, `${field.name}: 19000 to 19999 are protobuf's own`);
  if (field.number < 1 || field.number > 536_870_911)
    throw invalid(field.place, `${field.name}: field number ${field.number} is not in 1..536870911`);
  if (message.reservedNumbers.some(([from, to]) => field.number >= from && field.number <= to)) {
    throw invalid(field.place, `${field.name}: field number ${field.number} is reserved`);
  }
}

function claim(taken: Map<string, string>, name: string, field: FieldSchema): void {
  const other = taken.get(name);
  if (other !== undefined) {
    throw invalid(field.place, `${field.name}: the property ${name} belongs to ${other} already; rename one of them`);
  }
  taken.set(name, field.name);
}

/** `hasX`, `clearX` and `groupCase` give way to fields of that name by a trailing `_`. */
function claimHelpers(message: MessageSchema, taken: Map<string, string>): void {
  for (const oneof of message.oneofs) {
    oneof.tsName = propertyNameOf(oneof.name);
    while (taken.has(`${oneof.tsName}Case`)) oneof.tsName += '_';
  }
  for (const field of message.fields) {
    if (!field.presence) continue;
    const upper = field.tsName.charAt(0).toUpperCase() + field.tsName.slice(1);
    for (const helper of [`has${upper}`, `clear${upper}`]) {
      const other = taken.get(helper);
      if (other !== undefined)
        throw invalid(
          field.place,
          `${field.name}: its method ${helper} collides with the field ${other}; rename one of them`,
        );
    }
  }
}

function checkIds(schema: Schema): void {
  const factories = new Map<number, FileSchema>();
  for (const file of schema.files) {
    const types = new Map<number, MessageSchema>();
    for (const message of file.messages) {
      if (message.typeId === 0) continue;
      if (file.factoryId === 0) {
        throw invalid(message.place, `${message.name} has a type id, so the file needs option (aep.factory_id) = …;`);
      }
      const other = types.get(message.typeId);
      if (other !== undefined)
        clash(`type id ${message.typeId}`, message.place, { name: other.fullName, place: other.place });
      types.set(message.typeId, message);
    }
    if (file.factoryId === 0) continue;
    const other = factories.get(file.factoryId);
    const place = { path: file.path, line: 1, column: 1 };
    if (other !== undefined)
      clash(`factory id ${file.factoryId}`, place, { name: other.factoryName, place: { ...place, path: other.path } });
    factories.set(file.factoryId, file);
  }
}

function clash(what: string, place: Place, other: { name: string; place: Place }): never {
  throw new AepError(
    'AEP_TYPE_ID_CLASH',
    'reject',
    `${formatPlace(place)}: ${what} belongs to ${other.name} already (${formatPlace(other.place)}); choose another one`,
    { file: place.path, line: place.line, column: place.column, other: other.place.path },
  );
}
