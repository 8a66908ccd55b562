import fc from 'fast-check';
import { type Field, MODEL, type ObjectShape, type ScalarField } from '@aep/model/internal';

/** A model before it is spelled: parts are objects, lists are arrays, values are texts. */
export type Written = string | Written[] | { [name: string]: Written };

const NAMES = fc.constantFrom('a', 'b', 'orders', 'my.bus', 'x-1');
const LIST_LENGTH_MAX = 3;

/** Models that follow the table of fields: most of them load, the others break a relation. */
export const writtenModels: fc.Arbitrary<Written> = objectOf(MODEL);

function objectOf(shape: ObjectShape): fc.Arbitrary<Written> {
  const fields = Object.entries(shape.fields).filter(([name]) => name !== 'template');
  const needed = new Set(['name', 'mainClass', 'module']);
  const members = fields.map(([name, field]) => {
    const value = fieldOf(name, field);
    return needed.has(name) ? value : fc.option(value, { nil: undefined, freq: field.kind === 'list' ? 2 : 1 });
  });
  return fc.tuple(...members).map((values) => {
    const written: Record<string, Written> = {};
    for (const [index, [name]] of fields.entries()) {
      const value = values[index];
      if (value !== undefined) written[name] = value;
    }
    return written;
  });
}

function fieldOf(name: string, field: Field): fc.Arbitrary<Written> {
  switch (field.kind) {
    case 'scalar':
      return scalarOf(name, field);
    case 'object':
      return objectOf(field.shape);
    case 'list':
      return fc.uniqueArray(objectOf(field.shape), {
        maxLength: LIST_LENGTH_MAX,
        selector: (item) => JSON.stringify((item as { name: string }).name),
      });
    case 'tree':
    case 'map':
      return fc.dictionary(fc.constantFrom('k', 'l.m', 'password'), fc.constantFrom('1', 'text & <more>', 'true', ''));
  }
}

function scalarOf(name: string, field: ScalarField): fc.Arbitrary<Written> {
  switch (field.type) {
    case 'name':
      return NAMES;
    case 'choice':
      return fc.constantFrom(...field.values);
    case 'boolean':
      return fc.constantFrom('true', 'false');
    case 'integer':
      return fc.integer({ min: field.min, max: Math.min(field.max, 1_000_000) }).map(String);
    case 'duration':
      return fc.integer({ min: field.min, max: Math.min(field.max, 60_000) }).map((value) => `${value}ms`);
    case 'size':
      return fc.integer({ min: 1, max: 1000 }).map((value) => `${value}MiB`);
    case 'key':
      return fc.constantFrom('K/${a}/${b::x}', 'fixed', '#[s = hash(${a}, 3)]/${b}');
    case 'filter':
      return fc.constantFrom('a=1|2', 'a=1;b=2', 's=1', 'nothing');
    case 'text':
      return name === 'descriptor'
        ? fc.constantFrom('loopback://', 'direct://h:1?x=1', 'direct:/h')
        : fc.constantFrom('some text', './x.js#X', '"é"');
  }
}

/** The model as JSON; lists as arrays, or under the name of their item where `flip` says so. */
export function spellJson(written: Written, flip: () => boolean): string {
  return JSON.stringify(jsonOf(MODEL, written, flip));
}

function jsonOf(shape: ObjectShape, written: Written, flip: () => boolean): unknown {
  return Object.fromEntries(
    Object.entries(written).map(([name, value]: [string, Written]) => {
      const field = shape.fields[name]!;
      if (field.kind === 'object') return [name, jsonOf(field.shape, value, flip)];
      if (field.kind === 'list') {
        const items = (value as Written[]).map((item) => jsonOf(field.shape, item, flip));
        return [name, flip() ? { [field.itemName]: items } : items];
      }
      const isPlain = field.kind === 'scalar' && (field.type === 'integer' || field.type === 'boolean') && flip();
      return [name, isPlain ? JSON.parse(value as string) : value];
    }),
  );
}

/** The model as XML; values as attributes, or as elements where `flip` says so. */
export function spellXml(written: Written, flip: () => boolean): string {
  return xmlOf('model', { kind: 'object', doc: '', shape: MODEL, optional: false }, written, flip);
}

function xmlOf(name: string, field: Field, written: Written, flip: () => boolean): string {
  if (field.kind === 'scalar') return `<${name}>${escape(written as string)}</${name}>`;
  if (field.kind === 'list') {
    const item: Field = { kind: 'object', doc: '', shape: field.shape, optional: false };
    return `<${name}>\n${(written as Written[]).map((each) => xmlOf(field.itemName, item, each, flip)).join('')}</${name}>\n`;
  }
  if (field.kind !== 'object') {
    const entries = Object.entries(written as Record<string, string>);
    return `<${name}>${entries.map(([key, value]) => `<${key}>${escape(value)}</${key}>`).join('')}</${name}>\n`;
  }
  let attributes = '';
  let elements = '';
  for (const [key, value] of Object.entries(written as Record<string, Written>)) {
    const inner = field.shape.fields[key]!;
    if (inner.kind === 'scalar' && flip()) attributes += ` ${key}="${escape(value as string)}"`;
    else elements += xmlOf(key, inner, value, flip);
  }
  return `<${name}${attributes}>${elements}</${name}>\n`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
