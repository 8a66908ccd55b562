import { AepError } from '@aep/kernel';
import { invalid } from './invalid.js';
import { formatPlace, type Place } from './locate.js';
import { classNameOf } from './naming.js';
import type { FieldSchema, FileSchema, MessageSchema, Schema } from './schema.js';

/**
 * Decides which classes a message gets.
 * - View: it has a type id, or a message with a view embeds it, or it is no entity.
 * - Entity: `(aep.entity) = true`, or a state root or an entity holds it.
 * A message with both has the view under its own name `X` and the entity as `XEntity`; otherwise its one class is `X`.
 * Well-known types have both.
 */
export function markClasses(schema: Schema): void {
  const entities = new Set<MessageSchema>();
  const views = new Set<MessageSchema>();
  for (const message of schema.messages.values()) {
    if (message.isStateRoot) checkStateRoot(message);
    if (message.isMarkedEntity) spread(message, entities);
    if (message.isStateRoot)
      for (const field of message.fields) if (field.messageType !== undefined) spread(field.messageType, entities);
  }
  for (const message of schema.messages.values()) {
    if (!message.isStateRoot && (message.typeId !== 0 || !entities.has(message))) spread(message, views);
  }
  for (const message of schema.messages.values()) {
    const name = classNameOf(message.name);
    const both = message.file.wellKnown || (views.has(message) && entities.has(message));
    if (both || views.has(message)) message.viewName = name;
    if (both) message.entityName = `${name}Entity`;
    else if (entities.has(message)) message.entityName = name;
  }
  for (const file of schema.files) checkClassNames(file);
}

function spread(message: MessageSchema, marked: Set<MessageSchema>): void {
  if (marked.has(message)) return;
  marked.add(message);
  for (const field of message.fields) if (field.messageType !== undefined) spread(field.messageType, marked);
}

function checkStateRoot(root: MessageSchema): void {
  if (root.typeId !== 0)
    throw invalid(
      root.place,
      `${root.name} is a state root and has a type id; a state root is not sent: remove one of the options`,
    );
  if (root.isMarkedEntity)
    throw invalid(root.place, `${root.name} is a state root, so (aep.entity) means nothing: remove it`);
  for (const field of root.fields) {
    if (field.oneof !== undefined)
      throw invalid(field.place, `${field.name}: a state root cannot have a oneof; put it in an embedded message`);
    if (field.messageType?.isStateRoot === true)
      throw invalid(field.place, `${field.name}: a state root cannot be a part of another one`);
    if (field.int64AsNumber && field.isMap)
      throw invalid(field.place, `${field.name}: jstype has no meaning for the keys of a collection`);
  }
}

/** The fields of a state root that live in its one values entity. */
export function valueFields(root: MessageSchema): FieldSchema[] {
  return root.fields.filter((field) => !isCollection(field) && !isQueue(field));
}

export function isCollection(field: FieldSchema): boolean {
  return field.isMap && field.messageType !== undefined;
}

export function isQueue(field: FieldSchema): boolean {
  return field.repeated && field.messageType !== undefined;
}

function checkClassNames(file: FileSchema): void {
  const taken = new Map<string, Place>();
  const claim = (name: string, place: Place): void => {
    if (name === '') return;
    const other = taken.get(name);
    if (other !== undefined) {
      const text = `the generated name ${name} is taken already by what is declared at ${formatPlace(other)}; rename one of them`;
      throw invalid(place, text);
    }
    taken.set(name, place);
  };
  for (const declared of file.enums) claim(declared.tsName, declared.place);
  for (const message of file.messages) {
    claim(message.viewName, message.place);
    claim(message.entityName, message.place);
    if (!message.isStateRoot) continue;
    claim(classNameOf(message.name), message.place);
    if (valueFields(message).length > 0) claim(`${classNameOf(message.name)}Values`, message.place);
  }
  if (file.factoryId !== 0) claim(file.factoryName, { path: file.path, line: 1, column: 1 });
}

/** For the exhaustive checks of callers: a message that has no class of the wanted kind is a fault of this generator. */
export function nameOfClass(message: MessageSchema, entity: boolean): string {
  const name = entity ? message.entityName : message.viewName;
  if (name !== '') return name;
  throw new AepError(
    'AEP_ASSERTION',
    'fatal',
    `invariant broken: ${message.fullName} has no ${entity ? 'entity' : 'view'} class`,
  );
}
