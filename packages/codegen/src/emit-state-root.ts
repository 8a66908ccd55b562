import { emitEntity } from './emit-entity.js';
import { fieldDoc } from './emit-fields.js';
import { FieldPlan } from './field-plan.js';
import type { FileContext } from './file-context.js';
import { isCollection, isQueue, valueFields } from './mark-classes.js';
import { classNameOf } from './naming.js';
import type { FieldSchema, MessageSchema } from './schema.js';

/** Writes a state root and the entity that holds its single values. */
export function emitStateRoot(context: FileContext, root: MessageSchema): void {
  const { writer, modules } = context;
  const name = classNameOf(root.name);
  const valuesName = `${name}Values`;
  const values = valueFields(root);
  if (values.length > 0) {
    const comment = `The single values of {@link ${name}}, stored as one entity.`;
    emitEntity(context, { name: valuesName, fullName: `${root.fullName}Values`, comment, fields: values, oneofs: [] });
  }
  const space = writer.useType(modules.state, 'StateSpace');
  writer.doc(root.comment ?? `State \`${root.fullName}\`.`);
  writer.block(`export class ${name} extends ${writer.use(modules.state, 'StateRoot')} {`, () => {
    emitType(context, root);
    const tables = root.fields.filter((field) => !values.includes(field));
    for (const field of tables) {
      writer.doc(field.comment ?? `Field \`${field.name}\` (${field.number}).`);
      writer.line(`readonly ${field.tsName}: ${tableType(context, field)};`);
    }
    if (values.length > 0) writer.line(`private readonly $values: ${valuesName};`);
    writer.line();
    writer.block(`constructor(space: ${space}) {`, () => {
      writer.line('super(space);');
      for (const field of tables) writer.line(`this.${field.tsName} = ${openTable(context, field)};`);
      if (values.length > 0) writer.line(`this.$values = space.values(${valuesName});`);
    });
    for (const field of values) emitValue(context, new FieldPlan(field, context, 'entity', valuesName));
  });
  writer.line();
}

function emitType(context: FileContext, root: MessageSchema): void {
  const { writer, modules } = context;
  const name = classNameOf(root.name);
  const type = writer.useType(modules.state, 'StateRootType');
  writer.block(
    `static readonly $type: ${type}<${name}> = {`,
    () => {
      writer.line(`fullName: '${root.fullName}',`);
      writer.line(`create: (space) => new ${name}(space),`);
      writer.block(
        'collections: [',
        () => {
          if (valueFields(root).length > 0)
            writer.line(`{ id: 0, name: 'values', kind: 'values', entity: ${name}Values.$type },`);
          for (const field of root.fields)
            if (isCollection(field) || isQueue(field)) writer.line(tableInfo(context, field));
        },
        '],',
      );
    },
    '};',
  );
  writer.line();
}

function tableInfo(context: FileContext, field: FieldSchema): string {
  const entity = `entity: ${context.classOf(field.messageType!, 'entity')}.$type`;
  const kind = isQueue(field) ? `kind: 'queue'` : `kind: 'collection', keyKind: '${field.mapKey!}'`;
  return `{ id: ${field.number}, name: '${field.tsName}', ${kind}, ${entity} },`;
}

function tableType(context: FileContext, field: FieldSchema): string {
  const { writer, modules } = context;
  const entity = context.classOf(field.messageType!, 'entity');
  if (isQueue(field)) return `${writer.useType(modules.state, 'Queue')}<${entity}>`;
  return `${writer.useType(modules.state, 'Collection')}<${keyType(field)}, ${entity}>`;
}

function openTable(context: FileContext, field: FieldSchema): string {
  const entity = context.classOf(field.messageType!, 'entity');
  const head = `${field.number}, '${field.tsName}'`;
  return isQueue(field)
    ? `space.queue(${head}, ${entity})`
    : `space.collection(${head}, '${field.mapKey!}', ${entity})`;
}

function keyType(field: FieldSchema): string {
  const kind = field.mapKey!;
  if (kind === 'string') return 'string';
  if (kind === 'bool') return 'boolean';
  return kind.endsWith('64') ? 'bigint' : 'number';
}

/** A property that stands for the one of the values entity. */
function emitValue({ writer }: FileContext, plan: FieldPlan): void {
  writer.line();
  writer.doc(fieldDoc(plan));
  writer.block(`get ${plan.name}(): ${plan.tsType} {`, () => writer.line(`return this.$values.${plan.name};`));
  if (plan.category === 'list' || plan.category === 'map') return;
  writer.line();
  writer.block(`set ${plan.name}(value: ${plan.tsType}) {`, () => writer.line(`this.$values.${plan.name} = value;`));
  if (!plan.field.presence) return;
  writer.line();
  writer.doc(`Whether \`${plan.field.name}\` is set.`);
  writer.block(`has${plan.upperName}(): boolean {`, () => writer.line(`return this.$values.has${plan.upperName}();`));
  writer.line();
  writer.doc(`Unsets \`${plan.field.name}\`.`);
  writer.block(`clear${plan.upperName}(): void {`, () => writer.line(`this.$values.clear${plan.upperName}();`));
}
