import { AepError } from '@aep/kernel';
import { encodedBytes } from './bytes-of.js';
import { checkedMode } from './checked-mode.js';
import type { FieldInfo } from './field-info.js';
import { entityToJson } from './json.js';
import { messageLimits, refuseDepth } from './limits.js';
import type { JsonValue } from './message-type.js';
import { malformed, placeOf } from './malformed.js';
import { encodeToScratch } from './wire-writer.js';

/** Who is told before an entity changes, and asked whether it may be used now: the state package. */
export interface EntityOwner {
  /** Called before each change of the entity or of anything inside it; throws to refuse it. */
  beforeChange(entity: Entity): void;
  /** Called in checked mode before each read; throws when the entity is not valid any more. */
  check(entity: Entity): void;
}

/** What tools know of an entity class; its static `$type`. */
export interface EntityType<E extends Entity = Entity> {
  readonly fullName: string;
  readonly fields: readonly FieldInfo<E>[];
  /** A free-standing entity with default values. */
  create(): E;
}

/** A generated entity class. */
export interface EntityClass<E extends Entity = Entity> {
  readonly $type: EntityType<E>;
  new (): E;
}

/**
 * A durable element of state: decoded as a whole, mutable, and telling its owner before each change (E61). Generated classes add
 * a property per field. Without an owner it is a plain mutable object.
 *
 * Embedded entities, lists and maps belong to the entity that they are read from and report to the same owner. An embedded
 * entity that is not set reads as defaults; its first change makes it present.
 */
export abstract class Entity {
  /** Set by the state package when the entity lives in a collection. */
  $owner: EntityOwner | undefined = undefined;
  /** The entity that this one is embedded in, its field number there, and whether it is present. */
  $parent: Entity | undefined = undefined;
  $parentField = 0;
  $present = true;
  $depth = 0;
  /** Fields of the stored bytes that the schema does not know, as bytes; kept when the entity is written again. */
  $unknown: Uint8Array | undefined = undefined;

  abstract get $type(): EntityType;
  /** Back to the default of every field. Does not call the owner: it is for the owner. */
  abstract $reset(): void;
  /** Merges the fields found in `bytes[start, end)` into this entity, which `$decode` has reset. */
  abstract $mergeFrom(bytes: Uint8Array, start: number, end: number): void;
  abstract $encodeTo(target: Uint8Array, offset: number): number;
  /** An upper bound of the encoded size; cheap. The room to reserve for `$encodeTo`. */
  abstract $encodedSizeMax(): number;
  /** Tells that the embedded entity of that field became present. */
  $childPresent(_field: number): void {}

  /** Replaces all fields by those in the bytes. Does not call the owner: it is for the owner. @throws AEP_MESSAGE_MALFORMED */
  $decode(bytes: Uint8Array, start: number, end: number): void {
    this.$reset();
    this.$mergeFrom(bytes, start, end);
  }

  /** Exact size of the encoded entity; costs an encoding. */
  $encodedSize(): number {
    return encodeToScratch(this).end;
  }

  toBytes(): Uint8Array {
    if (checkedMode.on) this.$check();
    return encodedBytes(this);
  }

  toJSON(): JsonValue {
    if (checkedMode.on) this.$check();
    return entityToJson(this);
  }

  /** Every setter, list and map mutation calls this first. */
  $beforeChange(): void {
    if (this.$parent !== undefined) {
      this.$parent.$beforeChange();
      if (!this.$present) {
        this.$parent.$childPresent(this.$parentField);
        this.$present = true;
      }
    } else if (this.$owner !== undefined) this.$owner.beforeChange(this);
  }

  /** Every getter calls this in checked mode. */
  $check(): void {
    if (this.$parent !== undefined) this.$parent.$check();
    else if (this.$owner !== undefined) this.$owner.check(this);
  }

  /** Runtime: makes this entity a part of another one. @throws AEP_MESSAGE_TOO_DEEP */
  $embed(parent: Entity, field: number, present: boolean): void {
    this.$depth = parent.$depth + 1;
    if (this.$depth > messageLimits.depthMax) refuseDepth(parent.$type.fullName);
    this.$parent = parent;
    this.$parentField = field;
    this.$present = present;
  }

  /** Runtime: the content of an embedded entity becomes what the bytes hold. */
  $assign(bytes: Uint8Array): void {
    this.$beforeChange();
    this.$decode(bytes, 0, bytes.length);
  }

  /** Runtime: an embedded entity is not present any more; it stays where it is and reads as defaults. */
  $unset(): void {
    this.$reset();
    this.$present = false;
  }

  /** Runtime: the error for a field that cannot be decoded. */
  $malformed(tag: number, offset: number): AepError {
    return malformed(placeOf(this.$type, tag), offset);
  }

  /** Runtime: the end offset, if it lies inside the target. @throws AEP_ENCODE_NO_ROOM */
  $checkRoom(target: Uint8Array, offset: number, end: number): number {
    if (end <= target.length) return end;
    const needed = end - offset;
    const room = target.length - offset;
    const text = `${this.$type.fullName}: needs ${needed} bytes, the target has ${room}; reserve $encodedSizeMax()`;
    throw new AepError('AEP_ENCODE_NO_ROOM', 'reject', text, { type: this.$type.fullName, needed, room });
  }

  /** Runtime: it was removed from its list or map and is free-standing from now on. */
  $leave(): void {
    this.$parent = undefined;
    this.$depth = 0;
  }
}
