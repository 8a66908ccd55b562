import { AepError, didYouMean } from '@aep/kernel';
import { cleanValue, reservedCharacterAt } from './key-options.js';
import type { KeyTemplate } from './key-template.js';

/** Subscriptions that one filter may expand to. */
export const FILTER_PATTERNS_MAX = 1000;
const FILTER_LENGTH_MAX = 65_536;

/**
 * Turns a filter into the key patterns to join (E85): `var1=a|b;var2=c` gives the cartesian product; variables that it
 * does not mention become one-level wildcards; an absent or empty filter is all wildcards; a channel without key gives
 * `**`, which takes every message. A value `*` says "any" outright. With `cleanMessageKey` values are cleaned like those of messages.
 *
 * @throws AEP_FILTER_INVALID (reject) not of the form `name=value|value;…`, or a value that no key can hold
 * @throws AEP_FILTER_UNKNOWN_VARIABLE (reject) with the nearest name
 * @throws AEP_FILTER_TOO_LARGE (reject) more than 1,000 patterns
 */
export function compileFilter(filter: string | undefined, template: KeyTemplate): readonly string[] {
  if (template.text === '') {
    if (filter !== undefined && filter.trim() !== '')
      throw invalid(template, filter, 'the channel has no key to filter by');
    return ['**'];
  }
  const choices = parseFilter(filter ?? '', template);
  let patterns: string[] = [''];
  for (const part of template.parts) {
    const texts = typeof part === 'string' ? [part] : (choices.get(part) ?? ['*']);
    if (patterns.length * texts.length > FILTER_PATTERNS_MAX) throw tooLarge(template, filter ?? '');
    patterns = patterns.flatMap((pattern) => texts.map((text) => pattern + text));
  }
  // A variable that stands twice in the key makes pairs that no message can have; they only cost a subscription each.
  return [...new Set(patterns.map((pattern) => pattern.replaceAll(/\*{2,}/g, '*')))];
}

/** Values by index of the variable. */
function parseFilter(filter: string, template: KeyTemplate): Map<number, readonly string[]> {
  if (filter.length > FILTER_LENGTH_MAX)
    throw invalid(template, filter, `it has more than ${FILTER_LENGTH_MAX} characters`);
  const choices = new Map<number, readonly string[]>();
  for (const clause of filter.split(';')) {
    if (clause.trim() === '') continue;
    const equals = clause.indexOf('=');
    if (equals < 0) throw invalid(template, filter, `"${clause.trim()}" is not of the form variable=value|value`);
    const index = variableIndex(clause.slice(0, equals).trim(), filter, template);
    if (choices.has(index)) throw invalid(template, filter, `"${template.variables[index]}" stands in it twice`);
    const values = clause.slice(equals + 1).split('|');
    choices.set(index, [...new Set(values.map((value) => filterValue(value.trim(), index, filter, template)))]);
  }
  for (const [index, values] of choices) {
    const frozen = template.frozenValueOf(index);
    if (frozen === undefined || values.includes(frozen) || values.includes('*')) continue;
    throw invalid(
      template,
      filter,
      `"${template.variables[index]}" is fixed to "${frozen}" by the initial key resolution table`,
    );
  }
  return choices;
}

function variableIndex(name: string, filter: string, template: KeyTemplate): number {
  const exact = template.variables.indexOf(name);
  if (exact >= 0) return exact;
  const lower = lowerFirst(name);
  const index = template.variables.findIndex((variable) => lowerFirst(variable) === lower);
  if (index >= 0) return index;
  const { channel } = template.rules;
  throw new AepError(
    'AEP_FILTER_UNKNOWN_VARIABLE',
    'reject',
    `filter "${shorten(filter)}" of channel ${channel}: the key ${template.text} has no variable "${name}"${didYouMean(name, template.variables)}`,
    { channel, variable: name },
  );
}

function filterValue(value: string, index: number, filter: string, template: KeyTemplate): string {
  const name = template.variables[index]!;
  if (value === '*') return value;
  if (value === '' && !template.rules.allowEmptyKeyField) {
    throw invalid(template, filter, `an empty value for "${name}", which a key cannot have without allowEmptyKeyField`);
  }
  const { shards } = template.definitions[index]!;
  if (shards !== undefined && !(/^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= shards)) {
    throw invalid(template, filter, `"${name}" is one of 1..${shards}, got "${value}"`);
  }
  if (template.rules.cleanMessageKey) return cleanValue(value);
  if (reservedCharacterAt(value) >= 0)
    throw invalid(template, filter, `the value "${value}" of "${name}" holds "/" or a wildcard`);
  return value;
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function invalid(template: KeyTemplate, filter: string, why: string): AepError {
  const { channel } = template.rules;
  return new AepError('AEP_FILTER_INVALID', 'reject', `filter "${shorten(filter)}" of channel ${channel}: ${why}`, {
    channel,
  });
}

function tooLarge(template: KeyTemplate, filter: string): AepError {
  const { channel } = template.rules;
  return new AepError(
    'AEP_FILTER_TOO_LARGE',
    'reject',
    `filter "${shorten(filter)}" of channel ${channel} expands to more than ${FILTER_PATTERNS_MAX} patterns; ` +
      'name fewer values, or leave a variable out and filter in the handler',
    { channel, max: FILTER_PATTERNS_MAX },
  );
}
