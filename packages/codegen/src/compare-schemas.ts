import { loadSchema } from './link.js';
import { formatPlace, type Place } from './locate.js';
import type { FieldSchema, FileSchema, MessageSchema, Schema, SourceFile } from './schema.js';

/** What can break programs or stored data that know the old schema. */
export type BreakingKind =
  | 'message-removed'
  | 'type-id-changed'
  | 'factory-id-changed'
  | 'field-removed-without-reserved'
  | 'field-type-changed'
  | 'field-number-changed'
  | 'field-renamed'
  | 'field-oneof-changed'
  | 'enum-value-removed'
  | 'enum-value-changed'
  | 'state-root-changed';

/** One breaking change, with the place in the new schema (in the old one for what is gone). */
export interface BreakingChange {
  readonly kind: BreakingKind;
  readonly place: Place;
  /** Begins with file:line:column; says what changed, what it breaks and what to do. */
  readonly message: string;
}

/**
 * Compares two versions of a schema (E74): what the new one does to bytes, journals, state and JSON that the old one wrote. Types are
 * compared by full name, fields by number. Empty: compatible. Added messages, fields and enum values are compatible.
 *
 * @throws AEP_PROTO_INVALID, AEP_TYPE_ID_CLASH when one of the schemas is itself wrong
 */
export function compareSchemas(before: readonly SourceFile[], after: readonly SourceFile[]): BreakingChange[] {
  return new Comparison(loadOwn(before), loadOwn(after)).run();
}

function loadOwn(files: readonly SourceFile[]): Schema {
  return loadSchema(files.filter((file) => file.path !== 'aep/options.proto'));
}

class Comparison {
  private readonly changes: BreakingChange[] = [];

  constructor(
    private readonly before: Schema,
    private readonly after: Schema,
  ) {}

  run(): BreakingChange[] {
    for (const message of this.before.messages.values()) {
      const now = this.after.messages.get(message.fullName);
      if (now === undefined) this.messageRemoved(message);
      else this.compareMessage(message, now);
    }
    this.compareEnums();
    return this.changes;
  }

  private report(kind: BreakingKind, place: Place, text: string): void {
    this.changes.push({ kind, place, message: `${formatPlace(place)}: ${text}` });
  }

  private messageRemoved(message: MessageSchema): void {
    const advice =
      message.typeId === 0
        ? 'bytes that hold it cannot be read by name'
        : `messages of type id ${message.typeId} in journals and queues cannot be read`;
    this.report('message-removed', message.place, `message ${message.fullName} is gone or renamed; ${advice}`);
  }

  private compareMessage(old: MessageSchema, now: MessageSchema): void {
    const { name } = old;
    if (old.typeId !== 0 && now.typeId !== old.typeId) {
      this.report(
        'type-id-changed',
        now.place,
        `${name}: the type id was ${old.typeId} and is ${now.typeId || 'none'}; journaled messages are found by it`,
      );
    }
    if (old.typeId !== 0 && now.file.factoryId !== old.file.factoryId) {
      this.report(
        'factory-id-changed',
        now.place,
        `${name}: the factory id was ${old.file.factoryId} and is ${now.file.factoryId || 'none'}; journaled messages are found by it`,
      );
    }
    if (old.isStateRoot !== now.isStateRoot) {
      this.report(
        'state-root-changed',
        now.place,
        `${name} ${now.isStateRoot ? 'became' : 'is no longer'} a state root; stored state is not converted`,
      );
    }
    for (const field of old.fields) this.compareField(field, now);
  }

  private compareField(old: FieldSchema, message: MessageSchema): void {
    const now = message.fields.find((candidate) => candidate.number === old.number);
    if (now === undefined) return this.fieldGone(old, message);
    const wasType = describeType(old);
    const isType = describeType(now);
    if (!sameWire(old, now)) {
      const text = `field ${old.number} of ${message.name} was ${wasType} ${old.name} and is ${isType} ${now.name}; old bytes are misread: use a new number and reserve ${old.number}`;
      this.report('field-type-changed', now.place, text);
    } else if (old.name !== now.name) {
      const text = `field ${old.number} of ${message.name} was called ${old.name} and is ${now.name}; JSON, keys and filters use the name`;
      this.report('field-renamed', now.place, text);
    }
    if (old.oneof?.name !== now.oneof?.name) {
      const text = `${message.name}.${now.name} moved from ${old.oneof?.name ?? 'no oneof'} to ${now.oneof?.name ?? 'no oneof'}; of several members only the last is kept`;
      this.report('field-oneof-changed', now.place, text);
    }
  }

  private fieldGone(old: FieldSchema, message: MessageSchema): void {
    const moved = message.fields.find((candidate) => candidate.name === old.name);
    if (moved !== undefined) {
      const text = `${message.name}.${old.name} had number ${old.number} and has ${moved.number}; old bytes lose it: keep the number`;
      return this.report('field-number-changed', moved.place, text);
    }
    if (message.reservedNumbers.some(([from, to]) => old.number >= from && old.number <= to)) return;
    const text = `field ${old.number} (${old.name}) of ${message.name} was removed; write "reserved ${old.number};" so that nobody takes the number again`;
    this.report('field-removed-without-reserved', message.place, text);
  }

  private compareEnums(): void {
    const now = new Map(
      this.after.files.flatMap((file) => file.enums.map((declared) => [declared.fullName, declared] as const)),
    );
    for (const old of this.before.files.flatMap((file: FileSchema) => file.enums)) {
      const declared = now.get(old.fullName);
      // An enum that is gone shows in the fields that used it.
      if (declared === undefined) continue;
      for (const value of old.values) {
        const same = declared.values.find((candidate) => candidate.name === value.name);
        if (same === undefined)
          this.report(
            'enum-value-removed',
            declared.place,
            `${old.name}.${value.name} (${value.number}) was removed; JSON that names it cannot be read`,
          );
        else if (same.number !== value.number) {
          this.report(
            'enum-value-changed',
            declared.place,
            `${old.name}.${value.name} was ${value.number} and is ${same.number}; old bytes mean another value`,
          );
        }
      }
    }
  }
}

function describeType(field: FieldSchema): string {
  const name = field.messageType?.fullName ?? field.enumType?.fullName ?? field.typeName;
  if (field.isMap) return `map<${field.mapKey!}, ${name}>`;
  return field.repeated ? `repeated ${name}` : name;
}

/** Whether bytes of the one are read rightly as the other. Packed and unpacked lists read each other, so do `optional` and not. */
function sameWire(old: FieldSchema, now: FieldSchema): boolean {
  return describeType(old) === describeType(now);
}
