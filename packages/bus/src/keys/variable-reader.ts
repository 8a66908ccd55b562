import { AepError, didYouMean } from '@aep/kernel';
import type { FieldInfo, MessageType, MessageView } from '@aep/messages';
import { keyInvalid, type KeyRules, type KeyTable, keyText, tableValue } from './key-options.js';
import type { KeyVariable } from './key-syntax.js';
import { shardOf } from './shard.js';

/** Reads one variable of a key from messages of one type. */
export class VariableReader {
  /** Fields from the message down to the value; empty when the type has no such field. */
  private readonly fields: readonly FieldInfo<MessageView>[];
  /** The last field of the path; undefined when the type has no such field. */
  private readonly field: FieldInfo<MessageView> | undefined;
  private readonly isNested: boolean;
  private readonly tableName: string;
  private readonly defaultText: string | undefined;
  // Neighbouring messages often share a value; comparing strings is cheaper than looking at each character again.
  private lastValue = '';
  private lastText = '';

  constructor(
    private readonly variable: KeyVariable,
    private readonly rules: KeyRules,
    private readonly messageType: MessageType,
  ) {
    this.fields = findFields(variable, rules, messageType);
    this.field = this.fields.at(-1);
    this.isNested = this.fields.length > 1;
    this.tableName = variable.path.join('.');
    const { defaultValue } = variable;
    this.defaultText = defaultValue === undefined ? undefined : keyText(defaultValue, variable.name, rules);
  }

  /** The text of the variable in the key (E81). */
  read(message: MessageView, sendTable: KeyTable | undefined, channelTable: KeyTable | undefined): string {
    const field = this.field;
    if (field !== undefined) {
      const value = this.isNested
        ? this.nestedValue(message)
        : field.has(message) || !field.presence
          ? field.get(message)
          : undefined;
      if (value !== undefined) {
        const text = typeof value === 'string' ? value : scalarText(value, field);
        if (text !== '') return this.variable.shards === undefined ? this.checked(text) : this.sharded(text);
        if (!this.rules.treatEmptyKeyFieldAsNull) return this.emptyField();
      }
    }
    return this.withoutField(sendTable, channelTable);
  }

  /** An unset embedded message on the way leaves the variable unset. */
  private nestedValue(message: MessageView): unknown {
    let holder: unknown = message;
    for (const field of this.fields) {
      if (field.presence && !field.has(holder as MessageView)) return undefined;
      holder = field.get(holder as MessageView);
    }
    return holder;
  }

  private withoutField(sendTable: KeyTable | undefined, channelTable: KeyTable | undefined): string {
    const { name, shards } = this.variable;
    // A function's own name may be given in a table too: then it is the result, not the argument.
    const given = shards === undefined ? undefined : (tableValue(sendTable, name) ?? tableValue(channelTable, name));
    if (given !== undefined) return this.checked(given);
    const value = tableValue(sendTable, this.tableName) ?? tableValue(channelTable, this.tableName);
    if (value === undefined || (value === '' && this.rules.treatEmptyKeyFieldAsNull))
      return this.defaultText ?? this.unresolved();
    if (value === '') return this.emptyField();
    return shards === undefined ? this.checked(value) : this.sharded(value);
  }

  private checked(value: string): string {
    if (value === this.lastValue) return this.lastText;
    this.lastText = keyText(value, this.variable.name, this.rules);
    this.lastValue = value;
    return this.lastText;
  }

  private sharded(value: string): string {
    if (value === this.lastValue) return this.lastText;
    this.lastText = String(shardOf(value, this.variable.shards!));
    this.lastValue = value;
    return this.lastText;
  }

  private emptyField(): string {
    if (this.rules.allowEmptyKeyField)
      return this.variable.shards === undefined ? '' : String(shardOf('', this.variable.shards));
    const { name } = this.variable;
    const { channel } = this.rules;
    const messageType = this.messageType.fullName;
    throw new AepError(
      'AEP_KEY_FIELD_EMPTY',
      'reject',
      `key of channel ${channel}: the value of \${${name}} is empty in a ${messageType}; ` +
        'fill it, or set allowEmptyKeyField or treatEmptyKeyFieldAsNull',
      { channel, variable: name, messageType },
    );
  }

  private unresolved(): never {
    const { name, path } = this.variable;
    const { channel } = this.rules;
    const messageType = this.messageType.fullName;
    const known = this.messageType.fields.map((field) => field.name);
    const why =
      this.field === undefined
        ? `no field "${path.join('.')}" in ${messageType}${didYouMean(path[0]!, known)}`
        : `the field is not set in the ${messageType}`;
    throw new AepError(
      'AEP_KEY_UNRESOLVED',
      'reject',
      `key of channel ${channel}: \${${name}} has no value: ${why}, no table of the send or of the channel names it, ` +
        'and it has no default (${name::value})',
      { channel, variable: name, messageType },
    );
  }
}

function scalarText(value: unknown, field: FieldInfo<MessageView>): string {
  if (field.kind !== 'enum') return String(value);
  return field.enumNames?.get(value as number) ?? String(value);
}

/** E81: the name of a field is matched without regard to the case of its first letter; its name in the .proto file counts too. */
function findFields(
  variable: KeyVariable,
  rules: KeyRules,
  messageType: MessageType,
): readonly FieldInfo<MessageView>[] {
  const found: FieldInfo<MessageView>[] = [];
  let fields: readonly FieldInfo<MessageView>[] = messageType.fields;
  for (const [depth, step] of variable.path.entries()) {
    const field = fields.find((candidate) => sameName(step, candidate.name) || sameName(step, candidate.protoName));
    if (field === undefined) return [];
    found.push(field);
    const isLast = depth === variable.path.length - 1;
    const isEmbedded = field.kind === 'message' && !field.repeated;
    if (isLast ? field.repeated || UNKEYABLE.has(field.kind) : !isEmbedded) {
      const kind = `${field.repeated ? 'repeated ' : ''}${field.kind}`;
      const wanted = isLast ? 'a scalar or an enum' : 'an embedded message';
      throw keyInvalid(
        rules.channel,
        `\${${variable.name}}: field "${field.name}" of ${messageType.fullName} is ${kind}, expected ${wanted}`,
        { variable: variable.name, messageType: messageType.fullName },
      );
    }
    if (!isLast) fields = (field.message?.().fields ?? []) as readonly FieldInfo<MessageView>[];
  }
  return found;
}

const UNKEYABLE = new Set<string>(['bytes', 'message', 'map']);

function sameName(wanted: string, name: string): boolean {
  return (
    wanted === name ||
    (wanted.slice(1) === name.slice(1) && wanted.charAt(0).toLowerCase() === name.charAt(0).toLowerCase())
  );
}
