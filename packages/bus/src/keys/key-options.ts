import { AepError, type Facts } from '@aep/kernel';

/** Values for key variables by name (exact names). Only own properties count, so a variable `constructor` is harmless. */
export type KeyTable = Readonly<Record<string, string | number | boolean | bigint>>;

/** How the keys of one channel are made (E82, E83). */
export interface KeyTemplateOptions {
  /** Channel (and bus) for error messages, such as `orders@sample-bus`. */
  readonly channel: string;
  /** Freezes its variables for good, before the fields of a message (E82). Unknown names in it are left alone. */
  readonly initialTable?: KeyTable;
  /** Replaces what is neither a letter nor a digit in variable values by `_`. @default false */
  readonly cleanMessageKey?: boolean;
  /** An empty field gives an empty piece of the key; otherwise it is an error. @default false */
  readonly allowEmptyKeyField?: boolean;
  /** An empty field counts as unset, so that tables and default have their turn. @default false */
  readonly treatEmptyKeyFieldAsNull?: boolean;
  /** Characters of a resolved key; a longer one is an error at the send. @default 1024 */
  readonly maxResolvedKeyLength?: number;
}

/** {@link KeyTemplateOptions} with every default filled in. */
export interface KeyRules {
  readonly channel: string;
  readonly cleanMessageKey: boolean;
  readonly allowEmptyKeyField: boolean;
  readonly treatEmptyKeyFieldAsNull: boolean;
  readonly maxResolvedKeyLength: number;
}

const RESOLVED_KEY_LENGTH_MAX = 65_535;

export function concludeKeyRules(options: KeyTemplateOptions): KeyRules {
  const maxResolvedKeyLength = options.maxResolvedKeyLength ?? 1024;
  const isInRange = maxResolvedKeyLength >= 1 && maxResolvedKeyLength <= RESOLVED_KEY_LENGTH_MAX;
  if (!Number.isInteger(maxResolvedKeyLength) || !isInRange) {
    const range = `expected an integer in 1..${RESOLVED_KEY_LENGTH_MAX}, got ${maxResolvedKeyLength}`;
    throw keyInvalid(options.channel, `maxResolvedKeyLength: ${range}`);
  }
  return Object.freeze({
    channel: options.channel,
    cleanMessageKey: options.cleanMessageKey ?? false,
    allowEmptyKeyField: options.allowEmptyKeyField ?? false,
    treatEmptyKeyFieldAsNull: options.treatEmptyKeyFieldAsNull ?? false,
    maxResolvedKeyLength,
  });
}

export function keyInvalid(channel: string, why: string, facts: Facts = {}): AepError {
  return new AepError('AEP_KEY_INVALID', 'reject', `key of channel ${channel}: ${why}`, { channel, ...facts });
}

/** The value of a table, as text; undefined when the table has no such name of its own. */
export function tableValue(table: KeyTable | undefined, name: string): string | undefined {
  if (table === undefined || !Object.hasOwn(table, name)) return undefined;
  const value = table[name];
  return value === undefined ? undefined : String(value);
}

/** Index of the first character that would change the levels of a key or the meaning of a pattern; -1 when there is none. */
export function reservedCharacterAt(value: string): number {
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit === SLASH || unit === ASTERISK || unit === GREATER) return index;
  }
  return -1;
}

const SLASH = 0x2f;
const ASTERISK = 0x2a;
const GREATER = 0x3e;

/** E83: each character that is neither a letter nor a digit, of any script, becomes `_`. */
export function cleanValue(value: string): string {
  return value.replaceAll(/[^\p{L}\p{N}]/gu, '_');
}

/** The value as it stands in a key: cleaned, or refused when it holds a reserved character (E83). */
export function keyText(value: string, variable: string, rules: KeyRules): string {
  if (rules.cleanMessageKey) return cleanValue(value);
  const at = reservedCharacterAt(value);
  if (at < 0) return value;
  throw keyInvalid(
    rules.channel,
    `the value of \${${variable}} holds "${value.charAt(at)}" at character ${at}, which separates levels or is a wildcard; ` +
      'change the value or set cleanMessageKey',
    { variable },
  );
}
