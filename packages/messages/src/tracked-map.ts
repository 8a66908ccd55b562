import { checkedMode } from './checked-mode.js';
import { type Codec, refuseValue } from './codec.js';
import type { Entity } from './entity.js';
import { messageLimits } from './limits.js';
import { type FieldOwner, refuseElements } from './tracked-list.js';
import { readOccurrences } from './tracked-list.js';
import type { Fate, MessageView } from './view.js';
import { malformed } from './malformed.js';
import { afterBytes, afterUnknown, readLongTag, wire } from './wire-reader.js';
import { closeLength, writeUint32 } from './wire-writer.js';

/** A key of a protobuf map: string, number, bigint or boolean. */
export type MapKey = string | number | bigint | boolean;

/** What a map must know of its field. */
export interface MapField<K, V> {
  readonly number: number;
  readonly place: string;
  readonly key: Codec<K>;
  /** Codec of scalar values … */
  readonly value: Codec<V>;
}

/** … and maker of embedded ones. */
export interface MessageMapField<K, V> {
  readonly number: number;
  readonly place: string;
  readonly key: Codec<K>;
  readonly make: () => V;
}

/** A map field, common to scalar and embedded values: reading only. Iterates in the order in which keys came in. */
export abstract class FieldMap<K extends MapKey, V> implements Iterable<[K, V]> {
  protected readonly entriesByKey = new Map<K, V>();

  protected constructor(
    protected readonly owner: FieldOwner,
    readonly $number: number,
    readonly $place: string,
    protected readonly keyCodec: Codec<K>,
  ) {}

  get size(): number {
    if (checkedMode.on) this.owner.$check();
    return this.entriesByKey.size;
  }

  get(key: K): V | undefined {
    if (checkedMode.on) this.owner.$check();
    return this.entriesByKey.get(key);
  }

  has(key: K): boolean {
    if (checkedMode.on) this.owner.$check();
    return this.entriesByKey.has(key);
  }

  keys(): IterableIterator<K> {
    if (checkedMode.on) this.owner.$check();
    return this.entriesByKey.keys();
  }

  values(): IterableIterator<V> {
    if (checkedMode.on) this.owner.$check();
    return this.entriesByKey.values();
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    if (checkedMode.on) this.owner.$check();
    return this.entriesByKey[Symbol.iterator]();
  }

  delete(key: K): boolean {
    this.owner.$beforeChange();
    const value = this.entriesByKey.get(key);
    if (!this.entriesByKey.delete(key)) return false;
    this.forget(value!);
    return true;
  }

  clear(): void {
    this.owner.$beforeChange();
    this.$empty();
  }

  /** Replaces the entries. @throws AEP_FIELD_VALUE */
  abstract assign(entries: Iterable<readonly [K, V]>): void;

  /** Runtime: no entries, without telling the owner. */
  $empty(): void {
    for (const value of this.entriesByKey.values()) this.forget(value);
    this.entriesByKey.clear();
  }

  /** Runtime: replaces the entries by those of all occurrences of the field in `bytes[start, end)`. */
  $readAll(bytes: Uint8Array, start: number, end: number): void {
    this.$empty();
    readOccurrences(this, bytes, start, end);
  }

  $accepts(wireType: number): boolean {
    return wireType === 2;
  }

  /** Runtime: takes one entry; returns its end. The last entry of a key wins, and so do key and value inside an entry. */
  $readField(bytes: Uint8Array, at: number, end: number, _tag: number): number {
    const entryEnd = afterBytes(bytes, at, end);
    if (entryEnd > end) throw malformed(this.$place, at);
    let keyAt = 0;
    let valueAt = 0;
    for (let next = wire.at; next < entryEnd;) {
      const tag = readLongTag(bytes, next, entryEnd);
      const contentAt = wire.at;
      if (contentAt <= entryEnd) {
        if (tag === (8 | this.keyCodec.wireType)) keyAt = contentAt;
        else if (tag === (16 | this.valueWireType())) valueAt = contentAt;
      }
      const fieldEnd = afterUnknown(bytes, contentAt, entryEnd, tag);
      if (!(fieldEnd <= entryEnd)) throw malformed(this.$place, next);
      next = fieldEnd;
    }
    const key = keyAt === 0 ? this.keyCodec.initial : this.keyCodec.read(bytes, keyAt, this.$place);
    if (this.entriesByKey.size >= messageLimits.elementsMax) refuseElements(this.$place);
    this.readValue(key, bytes, valueAt);
    return entryEnd;
  }

  $encodeTo(target: Uint8Array, at: number): number {
    for (const [key, value] of this.entriesByKey) {
      const lengthAt = writeUint32(target, at, ((this.$number << 3) | 2) >>> 0);
      target[lengthAt + 1] = 8 | this.keyCodec.wireType;
      const valueAt = this.keyCodec.write(target, lengthAt + 2, key);
      target[valueAt] = 16 | this.valueWireType();
      at = closeLength(target, lengthAt, this.writeValue(target, valueAt + 1, value));
    }
    return at;
  }

  $sizeMax(): number {
    let size = 0;
    // Tag and length of the entry, tags of key and value, length of the value.
    for (const [key, value] of this.entriesByKey) size += 17 + this.keyCodec.sizeMax(key) + this.valueSizeMax(value);
    return size;
  }

  protected checkKey(key: K): void {
    if (!this.keyCodec.isValid(key)) refuseValue(`${this.$place} (key)`, this.keyCodec.kind, key);
  }

  protected checkRoom(key: K): void {
    if (this.entriesByKey.size >= messageLimits.elementsMax && !this.entriesByKey.has(key)) refuseElements(this.$place);
  }

  protected abstract valueWireType(): number;
  /** Reads the value at `at`; 0 means that the entry has none. */
  protected abstract readValue(key: K, bytes: Uint8Array, at: number): void;
  protected abstract writeValue(target: Uint8Array, at: number, value: V): number;
  protected abstract valueSizeMax(value: V): number;
  protected abstract forget(value: V): void;
}

/** A map with scalar values. Changes go through the owner, so a received message refuses them. */
export class TrackedMap<K extends MapKey, V> extends FieldMap<K, V> {
  private readonly valueCodec: Codec<V>;

  constructor(owner: FieldOwner, field: MapField<K, V>) {
    super(owner, field.number, field.place, field.key);
    this.valueCodec = field.value;
  }

  /** @throws AEP_FIELD_VALUE, AEP_VIEW_READ_ONLY, AEP_MESSAGE_TOO_LARGE at `elementsMax` entries */
  set(key: K, value: V): void {
    this.owner.$beforeChange();
    this.check(key, value);
    this.checkRoom(key);
    this.entriesByKey.set(key, value);
  }

  override assign(entries: Iterable<readonly [K, V]>): void {
    this.owner.$beforeChange();
    const copy = [...entries];
    for (const [key, value] of copy) this.check(key, value);
    this.$empty();
    for (const [key, value] of copy) {
      this.checkRoom(key);
      this.entriesByKey.set(key, value);
    }
  }

  protected override valueWireType(): number {
    return this.valueCodec.wireType;
  }

  protected override readValue(key: K, bytes: Uint8Array, at: number): void {
    this.entriesByKey.set(key, at === 0 ? this.valueCodec.initial : this.valueCodec.read(bytes, at, this.$place));
  }

  protected override writeValue(target: Uint8Array, at: number, value: V): number {
    return this.valueCodec.write(target, at, value);
  }

  protected override valueSizeMax(value: V): number {
    return this.valueCodec.sizeMax(value);
  }

  protected override forget(): void {}

  private check(key: K, value: V): void {
    this.checkKey(key);
    if (!this.valueCodec.isValid(value)) refuseValue(this.$place, this.valueCodec.kind, value);
  }
}

/** A map whose values are embedded messages, which belong to the map's owner. */
export abstract class EmbeddedMap<K extends MapKey, V extends { toBytes(): Uint8Array } & Encoded> extends FieldMap<
  K,
  V
> {
  protected readonly make: () => V;

  constructor(owner: FieldOwner, field: MessageMapField<K, V>) {
    super(owner, field.number, field.place, field.key);
    this.make = field.make;
  }

  /** The value of the key; an empty one is put there when there is none. */
  getOrCreate(key: K): V {
    const existing = this.get(key);
    if (existing !== undefined) return existing;
    this.owner.$beforeChange();
    this.checkKey(key);
    this.checkRoom(key);
    return this.putEmpty(key);
  }

  /** Replaces the entries; the values are copied. */
  override assign(entries: Iterable<readonly [K, V]>): void {
    this.owner.$beforeChange();
    const copy = Array.from(entries, ([key, value]): [K, Uint8Array] => [key, value.toBytes()]);
    for (const [key] of copy) this.checkKey(key);
    this.$empty();
    for (const [key, bytes] of copy) {
      this.checkRoom(key);
      this.load(this.putEmpty(key), bytes);
    }
  }

  protected override valueWireType(): number {
    return 2;
  }

  protected override writeValue(target: Uint8Array, at: number, value: V): number {
    return closeLength(target, at, value.$encodeTo(target, at + 1));
  }

  protected override valueSizeMax(value: V): number {
    return value.$encodedSizeMax();
  }

  protected abstract putEmpty(key: K): V;
  protected abstract load(value: V, bytes: Uint8Array): void;
}

interface Encoded {
  $encodedSizeMax(): number;
  $encodeTo(target: Uint8Array, offset: number): number;
}

/** A map of a message whose values are embedded messages; lazy when the message is. */
export class ViewMap<K extends MapKey, V extends MessageView> extends EmbeddedMap<K, V> {
  constructor(
    private readonly parent: MessageView,
    field: MessageMapField<K, V>,
  ) {
    super(parent, field);
  }

  /** Runtime: the values do what the map's message does. */
  $follow(fate: Fate): void {
    for (const value of this.entriesByKey.values()) value.$follow(fate);
  }

  protected override readValue(key: K, bytes: Uint8Array, at: number): void {
    const value = this.make();
    const end = at === 0 ? 0 : afterBytes(bytes, at, bytes.length);
    if (at === 0) value.$embedEmpty(this.parent, this.$number);
    else value.$embed(this.parent, this.$number, wire.at, end);
    const replaced = this.entriesByKey.get(key);
    if (replaced !== undefined) this.forget(replaced);
    this.entriesByKey.set(key, value);
  }

  protected override putEmpty(key: K): V {
    const value = this.make();
    value.$embedEmpty(this.parent, this.$number);
    this.entriesByKey.set(key, value);
    return value;
  }

  protected override load(value: V, bytes: Uint8Array): void {
    value.$load(bytes, 0, bytes.length);
  }

  protected override forget(value: V): void {
    value.$dropEmbedded();
  }
}

/** A map of an entity whose values are embedded entities. */
export class EntityMap<K extends MapKey, V extends Entity> extends EmbeddedMap<K, V> {
  constructor(
    private readonly parent: Entity,
    field: MessageMapField<K, V>,
  ) {
    super(parent, field);
  }

  protected override readValue(key: K, bytes: Uint8Array, at: number): void {
    const replaced = this.entriesByKey.get(key);
    if (replaced !== undefined) this.forget(replaced);
    const value = this.putEmpty(key);
    if (at === 0) return;
    const end = afterBytes(bytes, at, bytes.length);
    value.$mergeFrom(bytes, wire.at, end);
  }

  protected override putEmpty(key: K): V {
    const value = this.make();
    value.$embed(this.parent, this.$number, true);
    this.entriesByKey.set(key, value);
    return value;
  }

  protected override load(value: V, bytes: Uint8Array): void {
    value.$mergeFrom(bytes, 0, bytes.length);
  }

  protected override forget(value: V): void {
    value.$leave();
  }
}
