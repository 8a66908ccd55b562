import type { MessageType, MessageView } from '@aep/messages';
import {
  concludeKeyRules,
  keyInvalid,
  type KeyRules,
  type KeyTable,
  type KeyTemplateOptions,
  keyText,
  tableValue,
} from './key-options.js';
import { KeyResolver } from './key-resolver.js';
import { type KeyPart, type KeyVariable, type ParsedKey, parseKey } from './key-syntax.js';
import { shardOf } from './shard.js';

/**
 * Compiles a key template (E80) once, when the channel is configured; an absent or empty template gives channels without key.
 *
 * @throws AEP_KEY_INVALID (reject) with channel, reason and place
 * @example
 * const template = compileKeyTemplate('NEWORDERS/${Region}/${Department::none}', { channel: 'new-orders@sample-bus' });
 * const resolver = template.bind(NewOrderMessage.$type);
 * resolver.resolve(message); // 'NEWORDERS/US/Toys'
 */
export function compileKeyTemplate(template: string | undefined, options: KeyTemplateOptions): KeyTemplate {
  const rules = concludeKeyRules(options);
  const parsed = parseKey(template ?? '', options.channel);
  const frozen = new Map<number, string>();
  for (const [index, variable] of parsed.variables.entries()) {
    const value = frozenValue(variable, options.initialTable);
    if (value !== undefined) frozen.set(index, keyText(value, variable.name, rules));
    // The default is checked now, so that no send can fail on it.
    else if (variable.defaultValue !== undefined) keyText(variable.defaultValue, variable.name, rules);
  }
  return new KeyTemplate(template ?? '', rules, parsed, frozen);
}

/** E82: the initial table comes before fields and applies no defaults. */
function frozenValue(variable: KeyVariable, table: KeyTable | undefined): string | undefined {
  const own = tableValue(table, variable.name);
  if (own !== undefined || variable.shards === undefined) return own;
  const argument = tableValue(table, variable.path.join('.'));
  return argument === undefined ? undefined : String(shardOf(argument, variable.shards));
}

/** A compiled channel key: what filters and senders are made from. Immutable. */
export class KeyTemplate {
  /** Names of all variables that a filter may mention, frozen ones included, in order of appearance. */
  readonly variables: readonly string[];
  readonly definitions: readonly KeyVariable[];
  /** No message is needed to resolve it. */
  readonly isStatic: boolean;
  /** The key of a static template (E84); of others the literals alone, which is no key. */
  readonly staticKey: string;
  /** Literals and indexes of open variables; frozen ones have become literals. */
  readonly parts: readonly KeyPart[];

  constructor(
    readonly text: string,
    readonly rules: KeyRules,
    parsed: ParsedKey,
    private readonly frozen: ReadonlyMap<number, string>,
  ) {
    this.definitions = parsed.variables;
    this.variables = parsed.variables.map((variable) => variable.name);
    this.parts = mergeLiterals(
      parsed.parts.map((part) => (typeof part === 'number' ? (frozen.get(part) ?? part) : part)),
    );
    this.staticKey = this.parts.filter((part) => typeof part === 'string').join('');
    this.isStatic = this.parts.every((part) => typeof part === 'string');
    if (this.isStatic && this.staticKey.length > rules.maxResolvedKeyLength) {
      throw keyInvalid(
        rules.channel,
        `it has ${this.staticKey.length} characters, at most ${rules.maxResolvedKeyLength} are allowed`,
      );
    }
  }

  /** The value that the initial table gave a variable, or undefined. */
  frozenValueOf(index: number): string | undefined {
    return this.frozen.get(index);
  }

  /**
   * Looks up the fields of a message type once. Variables that are no field of the type are left to tables and default.
   *
   * @throws AEP_KEY_INVALID when a variable names a field that cannot be text: bytes, repeated, map or message
   */
  bind<T extends MessageView>(messageType: MessageType<T>): KeyResolver<T> {
    return new KeyResolver(this, messageType);
  }
}

function mergeLiterals(parts: readonly KeyPart[]): readonly KeyPart[] {
  const merged: KeyPart[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (typeof part === 'string' && typeof last === 'string') merged[merged.length - 1] = last + part;
    else merged.push(part);
  }
  return merged;
}
