/**
 * The vocabulary in which the model is described. One table of fields (see `root.ts`) drives everything that has to
 * agree: the checks, the defaults, the XSD, the JSON Schema and the TypeScript types.
 */

/** How a single written value is read. */
export type ScalarType = 'text' | 'name' | 'boolean' | 'integer' | 'duration' | 'size' | 'choice' | 'key' | 'filter';

export interface ScalarField {
  readonly kind: 'scalar';
  readonly type: ScalarType;
  readonly doc: string;
  /** As written (`5s`); `null`: may be left out and concludes to null; `undefined`: has to be written. */
  readonly default: string | null | undefined;
  /** Bounds of an integer, of a duration in milliseconds or of a size in bytes; of the length of a text. */
  readonly min: number;
  readonly max: number;
  /** Allowed words of a choice. */
  readonly values: readonly string[];
  /** The name in the concluded object; carries the unit. */
  readonly concludedName: string | undefined;
  /** Null as written, but filled from other values while concluding: never null in the concluded object. */
  readonly filled: boolean;
  /** Consumed while loading; not part of the concluded object. */
  readonly consumed: boolean;
  readonly secret: boolean;
}

export interface ObjectField {
  readonly kind: 'object';
  readonly doc: string;
  readonly shape: ObjectShape;
  /** Concludes to null when it is not written, instead of to its defaults. */
  readonly optional: boolean;
}

export interface ListField {
  readonly kind: 'list';
  readonly doc: string;
  /** Name of one item: `bus` in `buses`. */
  readonly itemName: string;
  readonly shape: ObjectShape;
  /** The list may hold `templates` for its items. */
  readonly templated: boolean;
  /** Items may also stand in the parent, without the list around them. */
  readonly bare: boolean;
  /** Used up while loading; not part of the concluded object. */
  readonly consumed: boolean;
}

/** Free names: `tree` nests and concludes to a ConfigTree; `map` concludes to a record with dotted names. */
export interface FreeField {
  readonly kind: 'tree' | 'map';
  readonly doc: string;
}

export type Field = ScalarField | ObjectField | ListField | FreeField;

export interface ObjectShape {
  /** Stem of the type names: `Bus` gives BusModel and BusInput. */
  readonly typeName: string;
  readonly doc: string;
  readonly fields: Readonly<Record<string, Field>>;
}

type ScalarOptions = Partial<Omit<ScalarField, 'kind' | 'type' | 'doc'>>;

const scalar = (type: ScalarType, doc: string, options: ScalarOptions): ScalarField => ({
  kind: 'scalar',
  type,
  doc,
  default: undefined,
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
  values: [],
  concludedName: undefined,
  filled: false,
  consumed: false,
  secret: false,
  ...options,
});

const TEXT_LENGTH_MAX = 4096;

export const object = (typeName: string, doc: string, fields: Record<string, Field>): ObjectShape => ({
  typeName,
  doc,
  fields,
});
export const text = (doc: string, options: ScalarOptions = {}): ScalarField =>
  scalar('text', doc, { min: 1, max: TEXT_LENGTH_MAX, ...options });
export const name = (doc: string, options: ScalarOptions = {}): ScalarField =>
  scalar('name', doc, { min: 1, max: 200, ...options });
export const flag = (doc: string, byDefault: boolean): ScalarField =>
  scalar('boolean', doc, { default: String(byDefault) });
export const integer = (doc: string, options: ScalarOptions): ScalarField => scalar('integer', doc, options);
export const duration = (doc: string, options: ScalarOptions): ScalarField =>
  scalar('duration', doc, { max: 3650 * 86_400_000, ...options });
export const size = (doc: string, options: ScalarOptions): ScalarField => scalar('size', doc, options);
/** The first word is the default. */
export const choice = (doc: string, values: readonly [string, ...string[]]): ScalarField =>
  scalar('choice', doc, { values, default: values[0] });
export const key = (doc: string): ScalarField => scalar('key', doc, { default: null, min: 1, max: TEXT_LENGTH_MAX });
export const filter = (doc: string): ScalarField =>
  scalar('filter', doc, { default: null, min: 1, max: TEXT_LENGTH_MAX });
export const part = (shape: ObjectShape): ObjectField => ({ kind: 'object', doc: shape.doc, shape, optional: false });
export const optionalPart = (shape: ObjectShape): ObjectField => ({ ...part(shape), optional: true });
export const list = (itemName: string, shape: ObjectShape, doc: string): ListField => ({
  kind: 'list',
  doc,
  itemName,
  shape,
  templated: 'template' in shape.fields,
  bare: false,
  consumed: false,
});
export const bareList = (itemName: string, shape: ObjectShape, doc: string): ListField => ({
  ...list(itemName, shape, doc),
  bare: true,
});
export const map = (doc: string): FreeField => ({ kind: 'map', doc });

/** The name under which a scalar appears in the concluded object: durations and sizes carry their unit. */
export function concludedName(written: string, field: Field): string {
  if (field.kind !== 'scalar') return written;
  if (field.concludedName !== undefined) return field.concludedName;
  if (field.type === 'duration') return `${written}Ms`;
  return field.type === 'size' ? `${written}Bytes` : written;
}
