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

/** A key that was made, and the values that it was made of. */
interface KnownKey {
  readonly texts: readonly string[];
  readonly key: string;
}

/**
 * Makes the keys of one message type on one channel. Nothing is parsed or split per message (E84).
 *
 * Most templates have far fewer keys than there are messages, and a message keeps its key until it is confirmed. So keys are
 * remembered, in a table of fixed size with one place per key: a known one costs a comparison per variable and no memory.
 */
export class KeyResolver<T extends MessageView = MessageView> {
  private readonly prefix: string;
  private readonly slots: readonly Slot[];
  private readonly lengthMax: number;
  /** Values of the message at hand, one per slot. */
  private readonly texts: string[];
  private readonly known: (KnownKey | undefined)[] = Array.from({ length: KNOWN_KEYS });

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
    this.texts = this.slots.map(() => '');
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
    const { slots, texts } = this;
    let hash = 0;
    for (let index = 0; index < slots.length; index++) {
      const text = slots[index]!.reader.read(message, sendTable, channelTable);
      texts[index] = text;
      hash = Math.imul(hash ^ sketchOf(text), 0x9e3779b1);
    }
    const place = hash >>> KNOWN_KEYS_SHIFT;
    const known = this.known[place];
    return known !== undefined && this.isOf(known) ? known.key : this.make(place);
  }

  private isOf({ texts }: KnownKey): boolean {
    for (let index = 0; index < texts.length; index++) if (texts[index] !== this.texts[index]) return false;
    return true;
  }

  /** The key of {@link texts}, which takes the place of another. */
  private make(place: number): string {
    const { slots, texts } = this;
    let key = this.prefix;
    for (let index = 0; index < slots.length; index++) key += texts[index]! + slots[index]!.suffix;
    if (key.length > this.lengthMax) this.refuseLength(key);
    if (key.length <= KNOWN_KEY_LENGTH_MAX) this.known[place] = { texts: [...texts], key };
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

const KNOWN_KEYS = 512;
/** Some 150 KiB in all, at most. */
const KNOWN_KEY_LENGTH_MAX = 128;
const KNOWN_KEYS_SHIFT = 32 - Math.log2(KNOWN_KEYS);

/** Tells texts apart that are values of one variable: by length and five characters, so that its cost does not grow with them. */
function sketchOf(text: string): number {
  const { length } = text;
  if (length === 0) return 0x5bd1e995;
  const last = length - 1;
  let sketch = length ^ (text.charCodeAt(0) << 8) ^ (text.charCodeAt(last) << 13);
  sketch ^= text.charCodeAt(last >>> 1) << 18;
  if (length > 3) sketch ^= (text.charCodeAt(1) << 23) ^ (text.charCodeAt(last - 1) << 3);
  return sketch;
}
