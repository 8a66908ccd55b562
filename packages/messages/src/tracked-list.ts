import { AepError } from '@aep/kernel';
import { checkedMode } from './checked-mode.js';
import { type Codec, refuseValue } from './codec.js';
import { messageLimits } from './limits.js';
import { malformed } from './malformed.js';
import { afterBytes, afterUnknown, readLongTag, wire } from './wire-reader.js';
import { closeLength, writeUint32 } from './wire-writer.js';

/** The message or entity that a list or map is part of. */
export interface FieldOwner {
  /** Called before each change; throws when the owner must not be changed. */
  $beforeChange(): void;
  /** Called before each read in checked mode; throws when the owner is not valid any more. */
  $check(): void;
}

/** What a list must know of its field: number, full name for messages, how elements are coded. */
export interface ListField<T> {
  readonly number: number;
  readonly place: string;
  readonly codec: Codec<T>;
  readonly packed: boolean;
}

/** A repeated field, common to scalars and embedded messages: reading only. */
export abstract class FieldList<T> implements Iterable<T> {
  protected readonly items: T[] = [];

  protected constructor(
    protected readonly owner: FieldOwner,
    readonly $number: number,
    readonly $place: string,
  ) {}

  get length(): number {
    if (checkedMode.on) this.owner.$check();
    return this.items.length;
  }

  /** The element at `index`, counted from the end when negative; `undefined` when there is none. */
  at(index: number): T | undefined {
    if (checkedMode.on) this.owner.$check();
    return this.items.at(index);
  }

  [Symbol.iterator](): IterableIterator<T> {
    if (checkedMode.on) this.owner.$check();
    return this.items[Symbol.iterator]();
  }

  /** The elements in an array of their own. */
  toArray(): T[] {
    if (checkedMode.on) this.owner.$check();
    return this.items.slice();
  }

  clear(): void {
    this.owner.$beforeChange();
    this.$empty();
  }

  /** Replaces the elements. @throws AEP_FIELD_VALUE */
  abstract assign(values: Iterable<T>): void;

  /** Runtime: no elements, without telling the owner. */
  $empty(): void {
    this.items.length = 0;
  }

  /** Runtime: replaces the elements by those of all occurrences of the field in `bytes[start, end)`. */
  $readAll(bytes: Uint8Array, start: number, end: number): void {
    this.$empty();
    readOccurrences(this, bytes, start, end);
  }

  /** Runtime: whether the field is encoded with that wire type; an occurrence with another one is an unknown field. */
  abstract $accepts(wireType: number): boolean;
  /** Runtime: appends what one occurrence of the field holds; returns its end. */
  abstract $readField(bytes: Uint8Array, at: number, end: number, tag: number): number;
  abstract $encodeTo(target: Uint8Array, at: number): number;
  abstract $sizeMax(): number;

  protected checkRoom(): void {
    if (this.items.length >= messageLimits.elementsMax) refuseElements(this.$place);
  }
}

/** A repeated field of scalars. Changes go through the owner, so a received message refuses them. */
export class TrackedList<T> extends FieldList<T> {
  constructor(
    owner: FieldOwner,
    private readonly field: ListField<T>,
  ) {
    super(owner, field.number, field.place);
  }

  /** @throws AEP_FIELD_VALUE, AEP_VIEW_READ_ONLY, AEP_MESSAGE_TOO_LARGE at `elementsMax` elements */
  push(value: T): void {
    this.owner.$beforeChange();
    this.check(value);
    this.checkRoom();
    this.items.push(value);
  }

  /** Replaces an element that exists. @throws AEP_FIELD_VALUE also when there is none at `index` */
  set(index: number, value: T): void {
    this.owner.$beforeChange();
    this.check(value);
    if (!(index in this.items)) refuseValue(`${this.$place}[${index}]`, `an index below ${this.items.length}`, index);
    this.items[index] = value;
  }

  /** Removes and returns the last element. */
  pop(): T | undefined {
    this.owner.$beforeChange();
    return this.items.pop();
  }

  override assign(values: Iterable<T>): void {
    this.owner.$beforeChange();
    const copy = [...values];
    if (copy.length > messageLimits.elementsMax) refuseElements(this.$place);
    for (const value of copy) this.check(value);
    this.$empty();
    for (const value of copy) this.items.push(value);
  }

  includes(value: T): boolean {
    if (checkedMode.on) this.owner.$check();
    return this.items.includes(value);
  }

  override $accepts(wireType: number): boolean {
    return wireType === this.field.codec.wireType || wireType === 2;
  }

  override $readField(bytes: Uint8Array, at: number, end: number, tag: number): number {
    const { codec, place } = this.field;
    if ((tag & 7) === codec.wireType) {
      const next = afterUnknown(bytes, at, end, tag);
      if (next > end) throw malformed(place, at);
      this.checkRoom();
      this.items.push(codec.read(bytes, at, place));
      return next;
    }
    const packedEnd = afterBytes(bytes, at, end);
    if (packedEnd > end) throw malformed(place, at);
    for (let next = wire.at; next < packedEnd;) {
      const start = next;
      next = afterUnknown(bytes, start, packedEnd, codec.wireType | 8);
      if (next > packedEnd) throw malformed(place, start);
      this.checkRoom();
      this.items.push(codec.read(bytes, start, place));
    }
    return packedEnd;
  }

  override $encodeTo(target: Uint8Array, at: number): number {
    const { items } = this;
    if (items.length === 0) return at;
    const { codec, number, packed } = this.field;
    if (packed) {
      const lengthAt = writeUint32(target, at, ((number << 3) | 2) >>> 0);
      at = lengthAt + 1;
      for (let index = 0; index < items.length; index++) at = codec.write(target, at, items[index]!);
      return closeLength(target, lengthAt, at);
    }
    for (let index = 0; index < items.length; index++) {
      at = codec.write(target, writeUint32(target, at, ((number << 3) | codec.wireType) >>> 0), items[index]!);
    }
    return at;
  }

  override $sizeMax(): number {
    // Tag and length of a packed field take at most ten bytes; unpacked elements have a tag of at most five each.
    let size = 10;
    for (const item of this.items) size += 5 + this.field.codec.sizeMax(item);
    return size;
  }

  private check(value: T): void {
    if (!this.field.codec.isValid(value)) refuseValue(this.$place, this.field.codec.kind, value);
  }
}

/** What finds the occurrences of its own field in a range of bytes. */
interface FieldReader {
  readonly $number: number;
  readonly $place: string;
  $accepts(wireType: number): boolean;
  $readField(bytes: Uint8Array, at: number, end: number, tag: number): number;
}

/** Walks `bytes[start, end)`, which begins with an occurrence of the field, and hands each one to the reader. */
export function readOccurrences(reader: FieldReader, bytes: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end;) {
    const tagAt = at;
    const tag = readLongTag(bytes, at, end);
    at = wire.at;
    at =
      at <= end && tag >>> 3 === reader.$number && reader.$accepts(tag & 7)
        ? reader.$readField(bytes, at, end, tag)
        : afterUnknown(bytes, at, end, tag);
    if (!(at <= end)) throw malformed(reader.$place, tagAt);
  }
}

export function refuseElements(place: string): never {
  const { elementsMax } = messageLimits;
  throw new AepError(
    'AEP_MESSAGE_TOO_LARGE',
    'reject',
    `${place}: more than ${elementsMax} elements; setMessageLimits({ elementsMax }) raises the limit`,
    { field: place, elementsMax },
  );
}
