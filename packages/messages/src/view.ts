import { AepError } from '@aep/kernel';
import { bytesOf, encodedBytes } from './bytes-of.js';
import { capturePlace, checkedMode } from './checked-mode.js';
import { checkValue } from './codec.js';
import { viewToJson } from './json.js';
import { messageLimits, refuseDepth } from './limits.js';
import type { JsonValue, MessageType } from './message-type.js';
import { DISPOSED, GIVEN_MUTABLE, GIVEN_WRAPPED, LATENT, MUTABLE, READABLE, WRAPPED } from './view-state.js';
import { recycleView } from './view-pool.js';
import { mergeEmbedded } from './merge-embedded.js';
import { findFault } from './malformed.js';
import { copyBytes, encodeToScratch } from './wire-writer.js';

const noBytes = new Uint8Array(0);

/** What happened to a message, as those embedded in it are told. */
export type Fate = 'dropped' | 'given' | 'takenBack';

/**
 * A message: either an immutable, lazy view over received bytes (`wrap`) or one to be filled and sent (`create`, `copy`).
 * Generated classes add a property per field. Names that begin with `$` belong to the runtime and to generated code.
 *
 * Ownership (E72): whoever creates, wraps, copies or acquires a message owns it until it is disposed or sent. Sending gives it
 * to the engine. Embedded messages belong to the message they are read from.
 *
 * @throws AEP_VIEW_DISPOSED from any use after dispose or send
 * @throws AEP_VIEW_READ_ONLY from a change of a wrapped view
 */
export abstract class MessageView {
  /** One of the states in view-state.ts. */
  $state = DISPOSED;
  /** The bytes that fields not yet decoded are read from: `$bytes[$start, $end)`. */
  $bytes: Uint8Array = noBytes;
  $start = 0;
  $end = 0;
  /** Pairs of start and end offsets of fields that the schema does not know; they survive a copy. */
  $unknown: number[] | undefined = undefined;
  /** The message that this one is embedded in, and its field number there. */
  $parent: MessageView | undefined = undefined;
  $parentField = 0;
  /** Embedding depth; the outermost message has 0. */
  $depth = 0;
  /** Owners: each needs a dispose. */
  $holders = 0;
  private $place: string | Error | undefined = undefined;

  abstract get $type(): MessageType;
  /**
   * The slow path of every getter. First read of a wrapped view: resets every field to its default, records where the fields in
   * `$bytes[$start, $end)` are, and makes it readable. Use after it was given away: throws.
   */
  abstract $open(): void;
  /** Resets every field to its default. */
  abstract $clear(): void;
  /** Writes the fields in the order of their numbers, then the unknown ones; returns the end offset. */
  abstract $encodeFields(target: Uint8Array, offset: number): number;
  /** An upper bound of what `$encodeFields` writes; cheap (strings count three bytes per UTF-16 unit). */
  abstract $fieldsSizeMax(): number;
  /** Tells an embedded message that is part of a oneof that it became the member that is set. */
  $childPresent(_field: number): void {}
  /** Tells the embedded messages what became of this one. */
  $tellChildren(_fate: Fate): void {}
  /** Decodes what is still only bytes, so that it may be changed. */
  abstract $materialize(): void;

  /** Keeps the message beyond its handler: needs one more `dispose`. A wrapped view takes a copy of its bytes. */
  acquire(): this {
    this.$mustBeOwnedHere('acquire');
    if (this.$state === WRAPPED || this.$state === READABLE) this.$detach();
    this.$holders++;
    return this;
  }

  /**
   * Gives the message back. Embedded messages, lists and maps read from it become invalid.
   * In checked mode a second dispose, or one after send, throws; otherwise it does nothing.
   *
   * @throws AEP_VIEW_EMBEDDED when the message is part of another one
   */
  dispose(): void {
    if (this.$state <= GIVEN_MUTABLE) {
      if (checkedMode.on) this.$refuseUse();
      return;
    }
    this.$mustBeOwnedHere('dispose');
    if (--this.$holders > 0) return;
    this.$retire();
  }

  /** A mutable message with the same content, unknown fields included. The caller owns it. */
  copy(): this {
    if (this.$state <= GIVEN_MUTABLE) this.$refuseUse();
    if (this.$state === WRAPPED || this.$state === READABLE) {
      return this.$type.fromBytes(this.$bytes, this.$start, this.$end) as this;
    }
    const scratch = encodeToScratch(this);
    return this.$type.fromBytes(scratch.bytes, 0, scratch.end) as this;
  }

  /** The message as ProtoJSON (E73). @throws AEP_MESSAGE_MALFORMED when the bytes of a field cannot be decoded */
  toJSON(): JsonValue {
    if (this.$state <= GIVEN_MUTABLE) this.$refuseUse();
    return viewToJson(this);
  }

  /** The encoded message in a buffer of its own. */
  toBytes(): Uint8Array {
    if (this.$state === DISPOSED) this.$refuseUse();
    if (this.$isOverBytes()) return bytesOf(this.$bytes, this.$start, this.$end);
    return encodedBytes(this);
  }

  /** Exact size of the encoded message. For a mutable message it costs an encoding; `$encodedSizeMax` is cheap. */
  $encodedSize(): number {
    if (this.$state === DISPOSED) this.$refuseUse();
    return this.$isOverBytes() ? this.$end - this.$start : encodeToScratch(this).end;
  }

  /** An upper bound of the encoded size, at most about three times too large; the room to reserve for `$encodeTo`. */
  $encodedSizeMax(): number {
    if (this.$state === DISPOSED) this.$refuseUse();
    return this.$isOverBytes() ? this.$end - this.$start : this.$fieldsSizeMax();
  }

  /**
   * Encodes at `offset` and returns the end offset; a wrapped view copies its bytes. Works on a message that was given away.
   * What lies behind the end may have been overwritten, up to `$encodedSizeMax()`.
   *
   * @throws AEP_ENCODE_NO_ROOM when the target is too small for the message; the target's content behind offset is then undefined
   */
  $encodeTo(target: Uint8Array, offset: number): number {
    if (this.$state === DISPOSED) this.$refuseUse();
    const end = this.$isOverBytes()
      ? copyBytes(this.$bytes, this.$start, this.$end, target, offset)
      : this.$encodeFields(target, offset);
    // A typed array ignores writes behind its end, so one check afterwards is enough.
    return end <= target.length ? end : this.$refuseTarget(target, offset, end);
  }

  /** Makes the pass over the tags now, so that bytes that are no message are found before a handler runs. @throws AEP_MESSAGE_MALFORMED */
  $validate(): void {
    if (this.$state < READABLE) this.$open();
  }

  /** The slow path of setters of single values; returns when the message may be changed and the field can hold the value. */
  $beforeSet(number: number, value: unknown): void {
    this.$beforeChange();
    checkValue(this.$type, number, value);
  }

  /** The slow path of every other change; returns when the message may be changed. */
  $beforeChange(): void {
    if (this.$state === MUTABLE) return;
    if (this.$state !== LATENT) this.$refuseChange();
    const parent = this.$parent;
    if (parent !== undefined) {
      parent.$beforeChange();
      parent.$childPresent(this.$parentField);
    }
    this.$state = MUTABLE;
  }

  /** Runtime: an owned, immutable view over bytes. */
  $wrap(bytes: Uint8Array, start: number, end: number): void {
    this.$bytes = bytes;
    this.$start = start;
    this.$end = end;
    this.$holders = 1;
    this.$state = WRAPPED;
  }

  /** Runtime: an owned, empty, mutable message. */
  $createEmpty(): void {
    this.$clear();
    this.$holders = 1;
    this.$state = MUTABLE;
  }

  /** Runtime: an owned, mutable message over bytes that nobody else changes. */
  $load(bytes: Uint8Array, start: number, end: number): void {
    this.$wrap(bytes, start, end);
    this.$open();
    this.$state = MUTABLE;
    this.$materialize();
  }

  /** Runtime: an embedded message that is present and empty. */
  $embedEmpty(parent: MessageView, field: number): void {
    this.$embed(parent, field, 0, 0);
    this.$state = parent.$state < LATENT ? READABLE : MUTABLE;
    if (this.$state === READABLE) this.$clear();
  }

  /** Runtime: the parent does not hold this embedded message any more, or is itself gone. */
  $dropEmbedded(): void {
    this.$follow('dropped');
  }

  /** Getters of lists and maps ask this in checked mode. */
  $check(): void {
    if (this.$state < READABLE) this.$open();
  }

  /** Runtime: (re)binds an embedded message to a range of its parent's bytes; an absent one has an empty range. */
  $embed(parent: MessageView, field: number, start: number, end: number): void {
    const depth = parent.$depth + 1;
    if (depth > messageLimits.depthMax) refuseDepth(parent.$type.fullName);
    this.$parent = parent;
    this.$parentField = field;
    this.$depth = depth;
    this.$bytes = parent.$bytes;
    this.$start = start;
    this.$end = end;
    this.$state = WRAPPED;
    if (parent.$state < LATENT) return;
    this.$open();
    this.$state = start === 0 ? LATENT : MUTABLE;
    this.$materialize();
  }

  /** Runtime: marks the message as sent; `place` says where, for the error of a later use. */
  $giveAway(place: string): void {
    this.$mustBeOwnedHere('send');
    this.$state = this.$state === MUTABLE ? GIVEN_MUTABLE : GIVEN_WRAPPED;
    this.$place = capturePlace(place);
    this.$tellChildren('given');
  }

  /** Runtime: the engine takes the content of a sent message back to use it itself. */
  $takeBack(): void {
    if (this.$state === DISPOSED) this.$refuseUse();
    this.$follow('takenBack');
  }

  /** Runtime: what an embedded message does when something happens to its parent. */
  $follow(fate: Fate): void {
    if (this.$state === DISPOSED) return;
    const mutable = this.$state === MUTABLE || this.$state === GIVEN_MUTABLE;
    if (fate === 'dropped') this.$state = DISPOSED;
    // A latent message asks its parent before it changes, so it may stay as it is.
    else if (this.$state === LATENT) return;
    else if (fate === 'given') this.$state = mutable ? GIVEN_MUTABLE : GIVEN_WRAPPED;
    else this.$state = mutable ? MUTABLE : WRAPPED;
    this.$tellChildren(fate);
  }

  /** Runtime: the content of an embedded message becomes that of another one. */
  $assign(value: MessageView): void {
    const bytes = value.toBytes();
    this.$load(bytes, 0, bytes.length);
  }

  /** Runtime: two occurrences of an embedded message are one (protobuf merges them): makes that true of the bytes and looks again. */
  $rescanMerged(): void {
    const merged = mergeEmbedded(this.$type.fields, this.$bytes, this.$start, this.$end);
    this.$bytes = merged;
    this.$start = 0;
    this.$end = merged.length;
    this.$open();
  }

  /** Runtime: the pass over the tags did not end where the message ends; finds the field that is to blame. */
  $refuseBytes(): never {
    throw findFault(this.$type, this.$bytes, this.$start, this.$end);
  }

  private $isOverBytes(): boolean {
    return this.$state === WRAPPED || this.$state === READABLE || this.$state === GIVEN_WRAPPED;
  }

  private $detach(): void {
    this.$tellChildren('dropped');
    this.$bytes = bytesOf(this.$bytes, this.$start, this.$end);
    this.$end -= this.$start;
    this.$start = 0;
    this.$state = WRAPPED;
  }

  /** Runtime: the end of a message, whoever owned it. */
  $retire(): void {
    this.$tellChildren('dropped');
    this.$holders = 0;
    this.$state = DISPOSED;
    this.$bytes = noBytes;
    this.$place = capturePlace('disposed');
    recycleView(this);
  }

  private $mustBeOwnedHere(verb: string): void {
    if (this.$state <= GIVEN_MUTABLE) this.$refuseUse();
    if (this.$parent === undefined) return;
    throw new AepError(
      'AEP_VIEW_EMBEDDED',
      'reject',
      `cannot ${verb} the ${this.$type.fullName}: it is part of a ${this.$parent.$type.fullName} and lives as long as that does; copy() it`,
      { type: this.$type.fullName, parent: this.$parent.$type.fullName },
    );
  }

  /** Runtime: the error for a target that is too small. */
  $refuseTarget(target: Uint8Array, offset: number, end: number): never {
    const needed = end - offset;
    const room = target.length - offset;
    const text = `${this.$type.fullName}: needs ${needed} bytes, the target has ${room}; reserve $encodedSizeMax()`;
    throw new AepError('AEP_ENCODE_NO_ROOM', 'reject', text, { type: this.$type.fullName, needed, room });
  }

  /** Runtime: the error for a use after dispose or send. */
  $refuseUse(): never {
    const sent = this.$state === GIVEN_MUTABLE || this.$state === GIVEN_WRAPPED;
    const place = this.$place ?? this.$parent?.$place;
    const where = place instanceof Error ? (place.stack ?? place.message) : (place ?? 'unknown');
    throw new AepError(
      'AEP_VIEW_DISPOSED',
      'reject',
      `${this.$type.fullName}: used after it was ${sent ? 'sent' : 'disposed'}; acquire() or copy() it to keep it. It was given away here: ${where}`,
      { type: this.$type.fullName, sent },
    );
  }

  private $refuseChange(): never {
    if (this.$state <= GIVEN_MUTABLE) this.$refuseUse();
    throw new AepError(
      'AEP_VIEW_READ_ONLY',
      'reject',
      `${this.$type.fullName}: a received message cannot be changed; change its copy()`,
      { type: this.$type.fullName },
    );
  }
}

/** Whether an embedded message of a mutable message is set. */
export function isPresent(embedded: MessageView | undefined): boolean {
  return embedded !== undefined && (embedded.$state === MUTABLE || embedded.$state === GIVEN_MUTABLE);
}
