import { checkedMode } from './checked-mode.js';
import type { Entity } from './entity.js';
import { messageLimits } from './limits.js';
import { FieldList, type FieldOwner, refuseElements } from './tracked-list.js';
import type { Fate, MessageView } from './view.js';
import { malformed } from './malformed.js';
import { afterBytes, wire } from './wire-reader.js';
import { closeLength, writeUint32 } from './wire-writer.js';

/** What a list of embedded messages must know of its field. */
export interface MessageListField<T> {
  readonly number: number;
  readonly place: string;
  /** A new element, not yet part of anything. */
  readonly make: () => T;
}

/** What messages and entities have in common as elements. */
interface Element {
  toBytes(): Uint8Array;
  $encodedSizeMax(): number;
  $encodeTo(target: Uint8Array, offset: number): number;
}

/** A repeated field of embedded messages, which belong to the list's owner. */
export abstract class EmbeddedList<T extends Element> extends FieldList<T> {
  constructor(
    owner: FieldOwner,
    protected readonly field: MessageListField<T>,
  ) {
    super(owner, field.number, field.place);
  }

  /** Appends an empty element and returns it to be filled. @throws AEP_MESSAGE_TOO_LARGE at `elementsMax` elements */
  add(): T {
    this.owner.$beforeChange();
    return this.addEmpty();
  }

  /** Removes the element at `index`; what follows moves up. Answers whether there was one. */
  remove(index: number): boolean {
    this.owner.$beforeChange();
    if (!(index in this.items)) return false;
    for (const removed of this.items.splice(index, 1)) this.forget(removed);
    return true;
  }

  /** Replaces the elements by copies of the values. */
  override assign(values: Iterable<T>): void {
    this.owner.$beforeChange();
    const contents = Array.from(values, (value) => value.toBytes());
    if (contents.length > messageLimits.elementsMax) refuseElements(this.$place);
    this.$empty();
    for (const bytes of contents) this.load(this.addEmpty(), bytes);
  }

  override $empty(): void {
    for (const item of this.items) this.forget(item);
    super.$empty();
  }

  override $accepts(wireType: number): boolean {
    return wireType === 2;
  }

  override $encodeTo(target: Uint8Array, at: number): number {
    const { items } = this;
    for (let index = 0; index < items.length; index++) {
      const lengthAt = writeUint32(target, at, ((this.$number << 3) | 2) >>> 0);
      at = closeLength(target, lengthAt, items[index]!.$encodeTo(target, lengthAt + 1));
    }
    return at;
  }

  override $sizeMax(): number {
    let size = 0;
    // Tag and length take at most five bytes each.
    for (const item of this.items) size += 10 + item.$encodedSizeMax();
    return size;
  }

  protected abstract addEmpty(): T;
  protected abstract load(element: T, bytes: Uint8Array): void;
  /** Called for an element that is not part of the list any more. */
  protected abstract forget(element: T): void;
}

/** A repeated field of embedded messages of a message; the elements are views, lazy when the message is. */
export class ViewList<T extends MessageView> extends EmbeddedList<T> {
  private readonly spare: T[] = [];

  constructor(
    private readonly parent: MessageView,
    field: MessageListField<T>,
  ) {
    super(parent, field);
  }

  override $readField(bytes: Uint8Array, at: number, end: number, _tag: number): number {
    const next = afterBytes(bytes, at, end);
    if (next > end) throw malformed(this.$place, at);
    const start = wire.at;
    this.checkRoom();
    const element = this.take();
    element.$embed(this.parent, this.$number, start, next);
    this.items.push(element);
    return next;
  }

  /** Runtime: the elements do what the list's message does. */
  $follow(fate: Fate): void {
    for (const item of this.items) item.$follow(fate);
  }

  protected override addEmpty(): T {
    this.checkRoom();
    const element = this.take();
    element.$embedEmpty(this.parent, this.$number);
    this.items.push(element);
    return element;
  }

  protected override load(element: T, bytes: Uint8Array): void {
    element.$load(bytes, 0, bytes.length);
  }

  protected override forget(element: T): void {
    element.$dropEmbedded();
    // In checked mode a dropped element stays dropped, so that a stale reference to it always throws.
    if (!checkedMode.on) this.spare.push(element);
  }

  private take(): T {
    return this.spare.pop() ?? this.field.make();
  }
}

/** A repeated field of embedded entities. */
export class EntityList<T extends Entity> extends EmbeddedList<T> {
  constructor(
    private readonly parent: Entity,
    field: MessageListField<T>,
  ) {
    super(parent, field);
  }

  override $readField(bytes: Uint8Array, at: number, end: number, _tag: number): number {
    const next = afterBytes(bytes, at, end);
    if (next > end) throw malformed(this.$place, at);
    const start = wire.at;
    this.addEmpty().$mergeFrom(bytes, start, next);
    return next;
  }

  protected override addEmpty(): T {
    this.checkRoom();
    const element = this.field.make();
    element.$embed(this.parent, this.$number, true);
    this.items.push(element);
    return element;
  }

  protected override load(element: T, bytes: Uint8Array): void {
    element.$mergeFrom(bytes, 0, bytes.length);
  }

  protected override forget(element: T): void {
    element.$leave();
  }
}
