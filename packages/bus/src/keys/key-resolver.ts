import { AepError } from '@aep/kernel';
import type { MessageType, MessageView } from '@aep/messages';
import type { KeyTable } from './key-options.js';
import type { KeyTemplate } from './key-template.js';
import { VariableReader } from './variable-reader.js';

/** A variable and the literal text behind it. */
interface Slot {
  readonly reader: VariableReader;
  readonly suffix: string;
}

/** Makes the keys of one message type on one channel. Nothing is parsed or split per message (E84). */
export class KeyResolver<T extends MessageView = MessageView> {
  private readonly prefix: string;
  private readonly slots: readonly Slot[];
  private readonly lengthMax: number;

  constructor(
    private readonly template: KeyTemplate,
    private readonly messageType: MessageType<T>,
  ) {
    this.lengthMax = template.rules.maxResolvedKeyLength;
    const [first] = template.parts;
    this.prefix = typeof first === 'string' ? first : '';
    this.slots = template.parts.flatMap((part, index) => {
      if (typeof part === 'string') return [];
      const next = template.parts[index + 1];
      const reader = new VariableReader(template.definitions[part]!, template.rules, messageType);
      return [{ reader, suffix: typeof next === 'string' ? next : '' }];
    });
  }

  /**
   * The key of a message: field → table of the send → table of the channel → default (E81). A message that already has a
   * key is not to be resolved at all (E82): the caller does not ask.
   *
   * @throws AEP_KEY_UNRESOLVED (reject) a variable has no value; names channel, variable and message type
   * @throws AEP_KEY_FIELD_EMPTY (reject) a field is empty and neither option of E83 allows it
   * @throws AEP_KEY_INVALID (reject) a value holds a reserved character
   * @throws AEP_KEY_TOO_LONG (reject) the key is longer than `maxResolvedKeyLength`
   */
  resolve(message: T, sendTable?: KeyTable, channelTable?: KeyTable): string {
    let key = this.prefix;
    const slots = this.slots;
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index]!;
      key += slot.reader.read(message, sendTable, channelTable) + slot.suffix;
    }
    if (key.length > this.lengthMax) this.refuseLength(key);
    return key;
  }

  private refuseLength(key: string): never {
    const { channel } = this.template.rules;
    throw new AepError(
      'AEP_KEY_TOO_LONG',
      'reject',
      `key of channel ${channel}: a ${this.messageType.fullName} resolves to ${key.length} characters, at most ${this.lengthMax} ` +
        `are allowed (maxResolvedKeyLength): ${key.slice(0, 80)}…`,
      { channel, length: key.length, max: this.lengthMax, messageType: this.messageType.fullName },
    );
  }
}
