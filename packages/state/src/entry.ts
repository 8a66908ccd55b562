import type { Entity, EntityOwner } from '@aep/messages';
import type { EntityTable } from './entity-table.js';
import type { StateKey } from './key-codec.js';

/**
 * The place of one key in memory, and the owner of its entity for as long as it is there. The entity object is made once
 * and stays the same through rollback, deletion and re-creation, so that references a handler holds keep their meaning.
 *
 * Entries are many and far apart in memory, and each transaction meets another: so the yes-or-no fields share one word
 * (a field of V8 takes eight bytes), and what get and the first setter need lies in front.
 */
export class Entry implements EntityOwner {
  readonly entity: Entity;
  readonly table: EntityTable;
  private flags: number;
  /** The period in which a handler obtained the entity; 0: nobody may use it. */
  lease = 0;
  /** The epoch in which a pre-image of it was taken; 0: none. */
  touchedEpoch = 0;
  readonly key: StateKey;
  /** The last sealed transaction that changed it; 0: none since it came into memory. */
  changedTxId = 0;
  /** Its place on the cache's clock, or -1, and the period in which the hand last passed it. */
  clockIndex = -1;
  clockStamp = 0;

  constructor(table: EntityTable, key: StateKey, entity: Entity, isPermanent: boolean) {
    this.entity = entity;
    this.table = table;
    this.flags = isPermanent ? PERMANENT : 0;
    this.key = key;
    entity.$owner = this;
  }

  /** Whether the key exists as the open transaction sees it; an absent entry is a tombstone or was never written. */
  get present(): boolean {
    return (this.flags & PRESENT) !== 0;
  }

  set present(present: boolean) {
    this.flags = present ? this.flags | PRESENT : this.flags & ~PRESENT;
  }

  /** Whether the key exists as of the last sealed transaction. */
  get sealedPresent(): boolean {
    return (this.flags & SEALED_PRESENT) !== 0;
  }

  set sealedPresent(present: boolean) {
    this.flags = present ? this.flags | SEALED_PRESENT : this.flags & ~SEALED_PRESENT;
  }

  /** It is on its table's list of changes of the open transaction. */
  get isChanged(): boolean {
    return (this.flags & CHANGED) !== 0;
  }

  set isChanged(isChanged: boolean) {
    this.flags = isChanged ? this.flags | CHANGED : this.flags & ~CHANGED;
  }

  /** Changed by a sealed transaction that the durable table lacks. */
  get isPinned(): boolean {
    return (this.flags & PINNED) !== 0;
  }

  set isPinned(isPinned: boolean) {
    this.flags = isPinned ? this.flags | PINNED : this.flags & ~PINNED;
  }

  /** Equal to the durable table, and the cache may drop it. */
  get isClean(): boolean {
    return (this.flags & CLEAN) !== 0;
  }

  set isClean(isClean: boolean) {
    this.flags = isClean ? this.flags | CLEAN : this.flags & ~CLEAN;
  }

  /** Created since the last checkpoint, so the durable range may lack it. */
  get isFresh(): boolean {
    return (this.flags & FRESH) !== 0;
  }

  set isFresh(isFresh: boolean) {
    this.flags = isFresh ? this.flags | FRESH : this.flags & ~FRESH;
  }

  /** Held by the space itself (single values, bounds of collections): never dropped, and its entity never expires. */
  get isPermanent(): boolean {
    return (this.flags & PERMANENT) !== 0;
  }

  /** Called by each setter: one compare, once the entity was touched in this epoch. */
  beforeChange(): void {
    const { tracker } = this.table;
    if (this.touchedEpoch !== tracker.epoch) tracker.touch(this);
  }

  /** Called by each getter in checked mode (E62). */
  check(): void {
    const { tracker } = this.table;
    if (this.lease !== tracker.period && !this.isPermanent && tracker.checked) tracker.refuseExpired(this);
  }

  /** It left memory; whoever still holds the entity may not use it. */
  retire(): void {
    this.lease = 0;
    this.touchedEpoch = 0;
    this.present = false;
  }
}

const PRESENT = 1;
const SEALED_PRESENT = 2;
const CHANGED = 4;
const PINNED = 8;
const CLEAN = 16;
const FRESH = 32;
const PERMANENT = 64;
