import { type Field, type ListField, type ObjectShape, type ScalarField } from '../shape/field.js';
import { MODEL } from '../shape/root.js';
import { allowedBy } from '../values.js';
import { VARIABLE_PATTERN, patternOf } from './patterns.js';
import { shapesOf } from './shapes.js';

type Schema = Record<string, unknown>;

/**
 * The JSON Schema of the model, from the table of fields. Lists are arrays, or objects with the name of the item as
 * key, as in XML. Which values a model needs is not said here: templates and profiles can give them.
 */
export function generateJsonSchema(): Schema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $comment:
      'Generated from packages/model/src/shape by packages/model/scripts/generate.mjs; a test checks that it is current.',
    title: 'aep model',
    anyOf: [
      reference(MODEL),
      { type: 'object', properties: { model: reference(MODEL) }, required: ['model'], additionalProperties: false },
    ],
    definitions: {
      ...Object.fromEntries(shapesOf(MODEL).map((shape) => [typeNameOf(shape), objectSchema(shape)])),
      Free: {
        type: 'object',
        additionalProperties: { anyOf: [{ type: ['string', 'number', 'boolean'] }, { $ref: '#/definitions/Free' }] },
      },
    },
  };
}

function typeNameOf(shape: ObjectShape): string {
  return shape.typeName === '' ? 'Model' : shape.typeName;
}

function reference(shape: ObjectShape): Schema {
  return { $ref: `#/definitions/${typeNameOf(shape)}` };
}

function objectSchema(shape: ObjectShape): Schema {
  const properties: Record<string, Schema> = {};
  if (shape === MODEL) properties['$schema'] = { type: 'string' };
  for (const [name, field] of Object.entries(shape.fields)) {
    properties[name] = fieldSchema(field, shape);
    if (field.kind === 'list' && field.bare) properties[field.itemName] = itemsSchema(field);
  }
  const required = 'name' in shape.fields ? { required: ['name'] } : {};
  return { type: 'object', description: shape.doc, properties, ...required, additionalProperties: false };
}

function fieldSchema(field: Field, parent: ObjectShape): Schema {
  switch (field.kind) {
    case 'scalar':
      return scalarSchema(field);
    case 'object':
      return { description: field.doc, allOf: [reference(field.shape)] };
    case 'list':
      return { description: field.doc, anyOf: [arrayOf(field.shape), listObject(field, parent)] };
    case 'tree':
    case 'map':
      return { description: field.doc, allOf: [{ $ref: '#/definitions/Free' }] };
  }
}

function arrayOf(shape: ObjectShape): Schema {
  return { type: 'array', items: reference(shape) };
}

/** One item or several, under the name of the item. */
function itemsSchema(field: ListField): Schema {
  return { anyOf: [reference(field.shape), arrayOf(field.shape)] };
}

function listObject(field: ListField, parent: ObjectShape): Schema {
  const properties: Record<string, Schema> = { [field.itemName]: itemsSchema(field) };
  if (field.templated)
    properties['templates'] = { anyOf: [arrayOf(field.shape), listObject({ ...field, templated: false }, parent)] };
  if (field.bare) {
    for (const [name, stray] of Object.entries(parent.fields)) {
      if (stray.kind === 'scalar') properties[name] = scalarSchema(stray);
    }
  }
  return { type: 'object', properties, additionalProperties: false };
}

function scalarSchema(field: ScalarField): Schema {
  const description = `${field.doc} Allowed: ${allowedBy(field)}.`;
  const byDefault = typeof field.default === 'string' ? { default: typedDefault(field, field.default) } : {};
  const pattern = patternOf(field);
  const asText = pattern === undefined ? textSchema(field) : { type: 'string', pattern: `^(?:${pattern})$` };
  const withVariable = { type: 'string', pattern: `^(?:${VARIABLE_PATTERN})$` };
  const alternatives: Schema[] = [...typedSchemas(field), asText, withVariable];
  return { description, ...byDefault, anyOf: alternatives };
}

function textSchema(field: ScalarField): Schema {
  return field.values.length > 0
    ? { enum: field.values }
    : { type: ['string', 'number', 'boolean'], minLength: field.min };
}

function typedSchemas(field: ScalarField): Schema[] {
  if (field.type === 'boolean') return [{ type: 'boolean' }];
  return field.type === 'integer' ? [{ type: 'integer', minimum: field.min, maximum: field.max }] : [];
}

function typedDefault(field: ScalarField, text: string): unknown {
  if (field.type === 'boolean') return text === 'true';
  return field.type === 'integer' ? Number(text) : text;
}
