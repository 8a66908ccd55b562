import type { FieldKind } from '@aep/messages';
import type { FileContext, Flavor } from './file-context.js';
import { classNameOf } from './naming.js';
import type { FieldSchema } from './schema.js';

/**
 * How a field is kept in a class.
 * - number: everything of bounded size; a view decodes it when it is read
 * - text: string and bytes; likewise
 * - message: an embedded message
 * - list, map
 */
export type Category = 'number' | 'text' | 'message' | 'list' | 'map';

interface KindTraits {
  readonly category: Category;
  readonly tsType: string;
  readonly initial: string;
  readonly wireType: number;
  readonly reader: string;
  readonly writer: string;
  readonly sizeMax: number;
  /** A condition that is true for a value that the field cannot hold. */
  readonly isWrong: string;
}

function number(category: Category, name: string, writer: string, traits: Partial<KindTraits>): KindTraits {
  const isWrong = "typeof value !== 'number'";
  return {
    category,
    tsType: 'number',
    initial: '0',
    wireType: 0,
    reader: `read${name}`,
    writer: `write${writer}`,
    sizeMax: 10,
    isWrong,
    ...traits,
  };
}

function big(name: string, writer: string, signed: boolean, wireType: number): KindTraits {
  const isWrong = `typeof value !== 'bigint' || BigInt.as${signed ? 'Int' : 'Uint'}N(64, value) !== value`;
  const sizeMax = wireType === 1 ? 8 : 10;
  return {
    category: 'number',
    tsType: 'bigint',
    initial: '0n',
    wireType,
    reader: `read${name}`,
    writer: `write${writer}`,
    sizeMax,
    isWrong,
  };
}

const int32Wrong = { isWrong: '(value | 0) !== value' };
const uint32Wrong = { isWrong: 'value >>> 0 !== value' };
const wire32 = { wireType: 5, sizeMax: 4 };

const traitsByKind: Readonly<Partial<Record<FieldKind, KindTraits>>> = {
  double: number('number', 'Double', 'Double', { wireType: 1, sizeMax: 8 }),
  float: number('number', 'Float', 'Float', wire32),
  int32: number('number', 'Int32', 'Int32', int32Wrong),
  uint32: number('number', 'Uint32', 'Uint32', uint32Wrong),
  sint32: number('number', 'Sint32', 'Sint32', int32Wrong),
  enum: number('number', 'Int32', 'Int32', int32Wrong),
  fixed32: number('number', 'Fixed32', 'Fixed32', { ...wire32, ...uint32Wrong }),
  sfixed32: number('number', 'Sfixed32', 'Fixed32', { ...wire32, ...int32Wrong }),
  bool: number('number', 'Bool', 'Bool', {
    tsType: 'boolean',
    initial: 'false',
    isWrong: "typeof value !== 'boolean'",
  }),
  int64: big('Int64', 'Int64', true, 0),
  uint64: big('Uint64', 'Int64', false, 0),
  sint64: big('Sint64', 'Sint64', true, 0),
  fixed64: big('Fixed64', 'Fixed64', false, 1),
  sfixed64: big('Sfixed64', 'Fixed64', true, 1),
  string: {
    ...number('text', 'String', 'String', { tsType: 'string', initial: "''", wireType: 2, sizeMax: 5 }),
    isWrong: "typeof value !== 'string'",
  },
  bytes: {
    ...number('text', 'Bytes', 'Bytes', { tsType: 'Uint8Array', wireType: 2, sizeMax: 5 }),
    isWrong: '!(value instanceof Uint8Array)',
  },
};

const unsigned64: ReadonlySet<FieldKind> = new Set(['uint64', 'fixed64']);

/** Everything the emitters need to know of one field, in the words of the generated code. */
export class FieldPlan {
  readonly category: Category;
  readonly tsType: string;
  readonly traits: KindTraits;
  /** Private property that holds the value. */
  readonly slot: string;
  /** `shop.NewOrder.order_id` as a string literal, for errors. */
  readonly place: string;
  /** Constant with what a list or map knows of its field. */
  readonly constant: string;

  constructor(
    readonly field: FieldSchema,
    readonly context: FileContext,
    readonly flavor: Flavor,
    className: string,
  ) {
    this.traits = traitsOf(field);
    this.category = field.isMap
      ? 'map'
      : field.repeated
        ? 'list'
        : field.messageType !== undefined
          ? 'message'
          : this.traits.category;
    this.slot = `this._${field.tsName}`;
    this.place = `'${field.message.fullName}.${field.name}'`;
    this.constant = `${classNameOf(className)}$${field.tsName}$field`;
    this.tsType = this.propertyType();
  }

  get name(): string {
    return this.field.tsName;
  }

  get upperName(): string {
    return this.name.charAt(0).toUpperCase() + this.name.slice(1);
  }

  /** Property that holds where the value is; 0: it is in the slot. */
  get at(): string {
    return `${this.slot}$at`;
  }

  get end(): string {
    return `${this.slot}$end`;
  }

  get has(): string {
    return `${this.slot}$has`;
  }

  /** `optional`: presence is kept in a flag of its own. */
  get hasFlag(): boolean {
    return this.field.presence && this.field.oneof === undefined && this.category !== 'message';
  }

  get tag(): number {
    const wireType =
      this.category === 'map' || (this.category === 'list' && this.field.messageType !== undefined)
        ? 2
        : this.traits.wireType;
    return ((this.field.number << 3) | wireType) >>> 0;
  }

  /** TypeScript type of one value: an element of a list, a value of a map. */
  get elementType(): string {
    const { field, context } = this;
    if (field.messageType !== undefined) return context.classOf(field.messageType, this.flavor);
    return field.enumType !== undefined ? context.enumOf(field.enumType) : this.traits.tsType;
  }

  get keyType(): string {
    return traitsByKind[this.field.mapKey!]!.tsType;
  }

  /** Name in the runtime's table of codecs. */
  get codec(): string {
    return this.field.kind + (this.field.int64AsNumber ? 'Number' : '');
  }

  /** Reads a value at `offset`. */
  read(bytes: string, offset: string): string {
    const place = this.field.kind === 'string' ? `, ${this.place}` : '';
    const call = `${this.context.runtime(this.traits.reader)}(${bytes}, ${offset}${place})`;
    return this.field.enumType === undefined ? call : `${call} as ${this.elementType}`;
  }

  write(value: string): string {
    return `at = ${this.context.runtime(this.traits.writer)}(target, at, ${value});`;
  }

  /** Statements that write the tag. */
  writeTag(): string {
    const { tag } = this;
    if (tag < 0x80) return `target[at++] = ${tag};`;
    if (tag < 0x4000) return `target[at++] = ${(tag & 0x7f) | 0x80};\ntarget[at++] = ${tag >>> 7};`;
    return `at = ${this.context.runtime('writeUint32')}(target, at, ${tag});`;
  }

  get tagSize(): number {
    return this.tag < 0x80 ? 1 : this.tag < 0x4000 ? 2 : 5;
  }

  /** Condition that the slot holds something else than the default. */
  differs(slot: string): string {
    const { kind } = this.field;
    // -0 is not the default: it has a bit set.
    if (kind === 'double' || kind === 'float') return `!Object.is(${slot}, 0)`;
    if (kind === 'bool') return slot;
    if (kind === 'bytes') return `${slot}.length !== 0`;
    return `${slot} !== ${this.initial}`;
  }

  /** The default value. Asked for only where it is written: it may need an import. */
  get initial(): string {
    return this.field.kind === 'bytes' ? this.context.runtime('noBytes') : this.traits.initial;
  }

  private propertyType(): string {
    const { category, flavor, context } = this;
    const element = this.elementType;
    const embedded = this.field.messageType !== undefined;
    if (category === 'list') {
      const list = embedded ? (flavor === 'view' ? 'ViewList' : 'EntityList') : 'TrackedList';
      return `${context.message(list)}<${element}>`;
    }
    if (category === 'map') {
      const map = embedded ? (flavor === 'view' ? 'ViewMap' : 'EntityMap') : 'TrackedMap';
      return `${context.message(map)}<${this.keyType}, ${element}>`;
    }
    return element;
  }
}

function traitsOf(field: FieldSchema): KindTraits {
  const traits = traitsByKind[field.kind] ?? number('message', '', '', { wireType: 2 });
  if (!field.int64AsNumber || field.isMap) return traits;
  const isWrong = unsigned64.has(field.kind)
    ? '!Number.isSafeInteger(value) || value < 0'
    : '!Number.isSafeInteger(value)';
  return {
    ...traits,
    tsType: 'number',
    initial: '0',
    reader: `${traits.reader}Number`,
    writer: `${traits.writer}Number`,
    isWrong,
  };
}
