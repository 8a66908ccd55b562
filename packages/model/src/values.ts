import { type ScalarField } from './shape/field.js';

/** M8: what a written value means, or what was expected in its place. */
export type ReadValue =
  { readonly ok: true; readonly value: string | number | boolean } | { readonly ok: false; readonly expected: string };

const NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;
const AMOUNT = /^(\d{1,15})([A-Za-z]+)$/;
const INTEGER = /^-?\d{1,15}$/;

/** Factors to milliseconds, smallest first. */
const DURATION_UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Factors to bytes, smallest first. */
const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40],
]);

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** Reads one written value by its field. Bounds of the field are included. */
export function readValue(field: ScalarField, text: string): ReadValue {
  switch (field.type) {
    case 'boolean':
      return text === 'true' || text === 'false' ? good(text === 'true') : bad(allowedBy(field));
    case 'choice':
      return field.values.includes(text) ? good(text) : bad(allowedBy(field));
    case 'integer':
      return readBounded(field, INTEGER.test(text) ? Number(text) : undefined);
    case 'duration':
      return readBounded(field, readAmount(text, DURATION_UNITS));
    case 'size':
      return readBounded(field, readAmount(text, SIZE_UNITS));
    case 'name':
      return isName(text) && text.length <= field.max ? good(text) : bad(allowedBy(field));
    case 'text':
    case 'key':
    case 'filter':
      return text.length >= field.min && text.length <= field.max ? good(text) : bad(allowedBy(field));
  }
}

/** For people: what may be written in the field. */
export function allowedBy(field: ScalarField): string {
  switch (field.type) {
    case 'boolean':
      return 'true or false';
    case 'choice':
      return `one of ${field.values.join(', ')}`;
    case 'integer':
      return `an integer ${field.min}..${field.max}`;
    case 'duration':
      return `a duration ${writeAmount(field.min, DURATION_UNITS)}..${writeAmount(field.max, DURATION_UNITS)} such as 250ms, 5s or 2m`;
    case 'size':
      return `a size ${writeAmount(field.min, SIZE_UNITS)}..${writeAmount(field.max, SIZE_UNITS)} such as 64KiB or 8MiB`;
    case 'name':
      return `a name of at most ${field.max} letters, digits, "_", "." and "-" that starts with a letter`;
    case 'text':
    case 'key':
    case 'filter':
      return `a text of ${field.min} to ${field.max} characters`;
  }
}

/** A read value as it would be written. */
export function writeValue(field: ScalarField, value: string | number | boolean): string {
  if (field.type === 'duration') return writeAmount(Number(value), DURATION_UNITS);
  return field.type === 'size' ? writeAmount(Number(value), SIZE_UNITS) : String(value);
}

/** The words among which a mistyped value may have a near one. */
export function knownWords(field: ScalarField): readonly string[] {
  return field.type === 'boolean' ? ['true', 'false'] : field.values;
}

function readBounded(field: ScalarField, value: number | undefined): ReadValue {
  const within = value !== undefined && value >= field.min && value <= field.max;
  return within ? good(value) : bad(allowedBy(field));
}

function readAmount(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = AMOUNT.exec(text);
  if (match === null) return undefined;
  const factor = units.get(match[2]!);
  return factor === undefined ? undefined : Number(match[1]) * factor;
}

/** The amount in the largest unit that gives a whole number. */
function writeAmount(value: number, units: ReadonlyMap<string, number>): string {
  const largest = [...units].findLast(([, factor]) => value % factor === 0 && value >= factor);
  const [unit, factor] = largest ?? [...units][0]!;
  return `${value / factor}${unit}`;
}

function good(value: string | number | boolean): ReadValue {
  return { ok: true, value };
}

function bad(expected: string): ReadValue {
  return { ok: false, expected };
}
