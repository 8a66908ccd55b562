import { enumNamesConstant, type FileContext } from './file-context.js';
import type { FieldPlan } from './field-plan.js';
import type { EnumSchema } from './schema.js';

/** What view and entity classes have in common: constants, encoding, the table of fields. */

export function emitEnum({ writer }: FileContext, declared: EnumSchema): void {
  writer.doc(declared.comment ?? `Enum \`${declared.fullName}\`.`);
  writer.block(`export enum ${declared.tsName} {`, () => {
    for (const value of declared.values) {
      writer.doc(value.comment);
      writer.line(`${value.tsName} = ${value.number},`);
    }
  });
  writer.line();
  const names = new Map<number, string>();
  // Of aliases the first name is the one that is written.
  for (const value of declared.values) if (!names.has(value.number)) names.set(value.number, value.name);
  writer.doc(`Names of {@link ${declared.tsName}} in the proto file.`);
  writer.block(
    `export const ${enumNamesConstant(declared)}: ReadonlyMap<number, string> = new Map([`,
    () => {
      for (const [number, name] of names) writer.line(`[${number}, '${name}'],`);
    },
    ']);',
  );
  writer.line();
}

/** Constants for lists and maps: field number, name for errors, how elements are coded. */
export function emitConstants(context: FileContext, plans: readonly FieldPlan[]): void {
  const { writer } = context;
  for (const plan of plans) {
    if (plan.category !== 'list' && plan.category !== 'map') continue;
    const { field } = plan;
    const head = `number: ${field.number}, place: ${plan.place}`;
    const make = `make: () => new ${plan.elementType}()`;
    const codecs = (name: string): string => `${context.runtime('codecs')}.${name}`;
    const valueCodec =
      field.enumType === undefined ? codecs(plan.codec) : `${context.runtime('enumCodec')}<${plan.elementType}>()`;
    if (plan.category === 'list') {
      const type = context.runtimeType(field.messageType === undefined ? 'ListField' : 'MessageListField');
      const rest = field.messageType === undefined ? `codec: ${valueCodec}, packed: ${plan.field.packed}` : make;
      writer.line(`const ${plan.constant}: ${type}<${plan.elementType}> = { ${head}, ${rest} };`);
    } else {
      const type = context.runtimeType(field.messageType === undefined ? 'MapField' : 'MessageMapField');
      const rest = field.messageType === undefined ? `value: ${valueCodec}` : make;
      const key = `key: ${codecs(field.mapKey!)}`;
      writer.line(
        `const ${plan.constant}: ${type}<${plan.keyType}, ${plan.elementType}> = { ${head}, ${key}, ${rest} };`,
      );
    }
  }
}

/** The body of `$encodeFields` and of an entity's `$encodeTo`, without the unknown fields. */
export function emitEncode(
  { writer }: FileContext,
  plans: readonly FieldPlan[],
  isPresent: (plan: FieldPlan) => string,
): void {
  for (const plan of plans) {
    if (plan.category === 'list' || plan.category === 'map') {
      writer.line(`if (${plan.slot} !== undefined) at = ${plan.slot}.$encodeTo(target, at);`);
      continue;
    }
    writer.block(`if (${isPresent(plan)}) {`, () => {
      for (const line of plan.writeTag().split('\n')) writer.line(line);
      if (plan.category !== 'message') return writer.line(plan.write(plan.slot));
      const closeLength = plan.context.runtime('closeLength');
      writer.line(`at = ${closeLength}(target, at, ${plan.slot}!.$encodeTo(target, at + 1));`);
    });
  }
}

/** The body of `$fieldsSizeMax` and `$encodedSizeMax`, without the unknown fields. */
export function emitSizeMax(
  { writer }: FileContext,
  plans: readonly FieldPlan[],
  isPresent: (plan: FieldPlan) => string,
): void {
  let fixed = 0;
  for (const plan of plans) {
    if (plan.category === 'list' || plan.category === 'map' || plan.category === 'message') continue;
    fixed += plan.tagSize + plan.traits.sizeMax;
  }
  writer.line(`let size = ${fixed};`);
  for (const plan of plans) {
    const value = plan.slot;
    if (plan.field.kind === 'string' && plan.category === 'text') writer.line(`size += 3 * ${value}.length;`);
    else if (plan.category === 'text') writer.line(`size += ${value}.length;`);
    else if (plan.category === 'message')
      writer.line(`if (${isPresent(plan)}) size += 10 + ${plan.slot}!.$encodedSizeMax();`);
    else if (plan.category === 'list' || plan.category === 'map')
      writer.line(`if (${plan.slot} !== undefined) size += ${plan.slot}.$sizeMax();`);
  }
}

/** Throws when the value is not one that the field can hold. */
export function emitCheck(plan: FieldPlan): void {
  const { writer } = plan.context;
  const refuse = plan.context.runtime('refuseValue');
  writer.line(`if (${plan.traits.isWrong}) ${refuse}(${plan.place}, '${plan.codec}', value);`);
}

/** The table of fields for tools, keys and ProtoJSON. */
export function emitFieldTable(context: FileContext, className: string, plans: readonly FieldPlan[]): void {
  const { writer } = context;
  const type = context.messageType('FieldInfo');
  writer.block(
    `const ${className}$fields: readonly ${type}<${className}>[] = [`,
    () => {
      for (const plan of plans) writer.block('{', () => emitFieldInfo(context, plan), '},');
    },
    '];',
  );
}

function emitFieldInfo(context: FileContext, plan: FieldPlan): void {
  const { writer } = context;
  const { field, name } = plan;
  const kind = field.isMap ? 'map' : field.kind;
  writer.line(
    `name: '${name}', protoName: '${field.name}', jsonName: '${escapeText(field.jsonName)}', number: ${field.number},`,
  );
  writer.line(`kind: '${kind}', repeated: ${field.repeated}, presence: ${field.presence},`);
  if (field.oneof !== undefined) writer.line(`oneof: '${field.oneof.name}',`);
  if (field.int64AsNumber) writer.line('int64AsNumber: true,');
  if (field.isMap) writer.line(`mapKey: '${field.mapKey!}', mapValue: '${field.kind}',`);
  if (field.enumType !== undefined) {
    writer.line(`enumName: '${field.enumType.fullName}', enumNames: ${context.enumNamesOf(field.enumType)},`);
  }
  if (field.messageType !== undefined) writer.line(`message: () => ${plan.elementType}.$type,`);
  writer.line(`get: (message) => message.${name},`);
  writer.line(`has: (message) => ${hasExpression(plan)},`);
  const isCollection = plan.category === 'list' || plan.category === 'map';
  const iterated = plan.category === 'map' ? `readonly [${plan.keyType}, ${plan.elementType}]` : plan.elementType;
  if (isCollection) writer.line(`set: (message, value) => message.${name}.assign(value as Iterable<${iterated}>),`);
  else writer.line(`set: (message, value) => void (message.${name} = value as ${plan.tsType}),`);
}

function hasExpression(plan: FieldPlan): string {
  if (plan.field.presence) return `message.has${plan.upperName}()`;
  if (plan.category === 'list') return `message.${plan.name}.length !== 0`;
  if (plan.category === 'map') return `message.${plan.name}.size !== 0`;
  return plan.differs(`message.${plan.name}`);
}

function escapeText(text: string): string {
  return JSON.stringify(text).slice(1, -1).replaceAll("'", "\\'");
}

/** Documentation of a property. */
export function fieldDoc(plan: FieldPlan): string {
  const { field } = plan;
  const text = field.comment ?? `Field \`${field.name}\` (${field.number}).`;
  return field.deprecated ? `${text}\n@deprecated` : text;
}
