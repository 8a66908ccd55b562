import { type Field, type ObjectShape, type ScalarField, concludedName } from '../shape/field.js';
import { MODEL } from '../shape/root.js';
import { allowedBy } from '../values.js';
import { shapesOf } from './shapes.js';

/** TypeScript of the concluded model (`…Model`) and of what is written in code (`…Input`), from the table of fields. */
export function generateTypes(): string {
  const shapes = shapesOf(MODEL);
  return [
    '// Generated from src/shape by scripts/generate.mjs; a test checks that it is current.',
    "import { type ConfigTree } from '../config-tree.js';",
    '',
    '/** A duration with its unit, such as `250ms`, `5s` or `2m`; or with a variable in it. */',
    "export type DurationText = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | `${string}\\${${string}`;",
    '',
    '/** A size with its unit, such as `64KiB` or `1GiB`; or with a variable in it. */',
    "export type SizeText = `${number}${'B' | 'KiB' | 'MiB' | 'GiB' | 'TiB'}` | `${string}\\${${string}`;",
    '',
    '/** A list as an array, or with the templates of its items beside them. */',
    'export type TemplatedList<T> =',
    '  readonly T[] | { readonly templates?: readonly T[]; readonly [item: string]: readonly T[] | undefined };',
    '',
    '/** A free tree of values. */',
    'export interface FreeTree {',
    '  readonly [name: string]: string | number | boolean | FreeTree;',
    '}',
    '',
    ...shapes.filter((shape) => shape.typeName !== 'Profile').flatMap(modelInterface),
    ...shapes.flatMap(inputInterface),
  ].join('\n');
}

function modelInterface(shape: ObjectShape): string[] {
  const fields = Object.entries(shape.fields).filter(([, field]) => !('consumed' in field && field.consumed));
  return [
    `/** ${shape.doc} */`,
    `export interface ${shape.typeName}Model {`,
    ...fields.flatMap(([name, field]) => [
      docComment(field),
      `  readonly ${concludedName(name, field)}: ${modelType(field)};`,
    ]),
    ...(shape === MODEL
      ? ['  /** The profiles that were merged, in their order. */', '  readonly activeProfiles: readonly string[];']
      : []),
    '}',
    '',
  ];
}

function inputInterface(shape: ObjectShape): string[] {
  const title =
    shape === MODEL ? 'A deployment model as it is written in code (M10).' : `${shape.doc} As it is written.`;
  return [
    `/** ${title} */`,
    `export interface ${shape.typeName === '' ? 'Model' : shape.typeName}Input {`,
    ...Object.entries(shape.fields).flatMap(([name, field]) => {
      // A template may give what an item leaves out, so only names are certain to be needed.
      const mark = name === 'name' ? '' : '?';
      return [docComment(field), `  readonly ${name}${mark}: ${inputType(field)};`];
    }),
    '}',
    '',
  ];
}

function docComment(field: Field): string {
  if (field.kind !== 'scalar') return `  /** ${field.doc} */`;
  const range =
    field.type === 'integer' || field.type === 'duration' || field.type === 'size'
      ? ` ${sentence(allowedBy(field))}`
      : '';
  const byDefault = typeof field.default === 'string' ? ` @default ${field.default}` : '';
  return `  /** ${field.doc}${range}${byDefault} */`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

function modelType(field: Field): string {
  switch (field.kind) {
    case 'scalar':
      return `${scalarModelType(field)}${field.default === null && !field.filled ? ' | null' : ''}`;
    case 'object':
      return `${field.shape.typeName}Model${field.optional ? ' | null' : ''}`;
    case 'list':
      return `readonly ${field.shape.typeName}Model[]`;
    case 'tree':
      return 'ConfigTree';
    case 'map':
      return 'Readonly<Record<string, string>>';
  }
}

function scalarModelType(field: ScalarField): string {
  if (field.type === 'choice') return unionOf(field);
  if (field.type === 'boolean') return 'boolean';
  return field.type === 'integer' || field.type === 'duration' || field.type === 'size' ? 'number' : 'string';
}

function inputType(field: Field): string {
  switch (field.kind) {
    case 'scalar':
      return scalarInputType(field);
    case 'object':
      return `${field.shape.typeName}Input`;
    case 'list':
      return field.templated
        ? `TemplatedList<${field.shape.typeName}Input>`
        : `readonly ${field.shape.typeName}Input[]`;
    case 'tree':
    case 'map':
      return 'FreeTree';
  }
}

const VARIABLE_TEXT = '`${string}\\${${string}`';

function scalarInputType(field: ScalarField): string {
  switch (field.type) {
    case 'choice':
      return `${unionOf(field)} | ${VARIABLE_TEXT}`;
    case 'boolean':
      return `boolean | ${VARIABLE_TEXT}`;
    case 'integer':
      return `number | ${VARIABLE_TEXT}`;
    case 'duration':
      return 'DurationText';
    case 'size':
      return 'SizeText';
    case 'name':
    case 'text':
    case 'key':
    case 'filter':
      return 'string';
  }
}

function unionOf(field: ScalarField): string {
  return field.values.map((value) => `'${value}'`).join(' | ');
}
