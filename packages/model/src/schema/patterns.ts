import { type ScalarField } from '../shape/field.js';

/** A `${variable}` anywhere in a value; what it becomes is checked when it is filled in. XSD and ECMAScript read it alike. */
export const VARIABLE_PATTERN = '[\\s\\S]*[$][{][\\s\\S]*';

/** The form of a written value as a pattern over the whole text, or undefined when any text will do. */
export function patternOf(field: ScalarField): string | undefined {
  switch (field.type) {
    case 'boolean':
      return 'true|false';
    case 'integer':
      return '-?[0-9]{1,15}';
    case 'duration':
      return '[0-9]{1,15}(ms|s|m|h|d)';
    case 'size':
      return '[0-9]{1,15}(B|KiB|MiB|GiB|TiB)';
    case 'name':
      return '[A-Za-z][A-Za-z0-9_.\\-]*';
    case 'choice':
    case 'text':
    case 'key':
    case 'filter':
      return undefined;
  }
}
