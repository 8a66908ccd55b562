import type { Entity, EntityOwner } from '@aep/messages';
import type { EntityTable } from './entity-table.js';
import type { EntryList } from './entry-list.js';
import type { StateKey } from './key-codec.js';

/** What an entry asks of the space it lives in; see `ChangeTracker`. */
export interface EntryTracker {
  /** Grows with each begin, savepoint, rollback and end: an entry touched in the present epoch has its pre-image. */
  readonly epoch: number;
  /** The epoch in which the present transaction, or the present stretch between two, began. */
  readonly period: number;
  readonly checked: boolean;
  touch(entry: Entry): void;
  refuseExpired(entry: Entry): never;
}

/**
 * The place of one key in memory, and the owner of its entity for as long as it is there. The entity object is made once
 * and stays the same through rollback, deletion and re-creation, so that references a handler holds keep their meaning.
 */
export class Entry implements EntityOwner {
  /** Whether the key exists as the open transaction sees it; an absent entry is a tombstone or was never written. */
  present: boolean;
  /** Whether the key exists as of the last sealed transaction. */
  sealedPresent: boolean;
  /** The epoch in which a pre-image of it was taken; 0: none. */
  touchedEpoch = 0;
  /** The period in which a handler obtained the entity; 0: nobody may use it. */
  lease = 0;
  /** It is on its table's list of changes of the open transaction. */
  isChanged = false;
  /** The last sealed transaction that changed it; 0: none since it came into memory. */
  changedTxId = 0;
  /** Created since the last checkpoint, so the durable range may lack it. */
  isFresh = false;
  /** The list it is on: clean and evictable, or pinned until the next checkpoint. */
  list: EntryList | undefined = undefined;
  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;
  /** The period in which it was put at the end of the clean list. */
  listStamp = 0;

  constructor(
    readonly tracker: EntryTracker,
    readonly table: EntityTable,
    readonly key: StateKey,
    readonly entity: Entity,
    /** Held by the space itself (single values, bounds of collections): never evicted, and its entity never expires. */
    readonly isPermanent: boolean,
  ) {
    this.present = false;
    this.sealedPresent = false;
    entity.$owner = this;
  }

  /** Called by each setter: one compare, once the entity was touched in this epoch. */
  beforeChange(): void {
    if (this.touchedEpoch !== this.tracker.epoch) this.tracker.touch(this);
  }

  /** Called by each getter in checked mode (E62). */
  check(): void {
    if (this.lease !== this.tracker.period && !this.isPermanent && this.tracker.checked)
      this.tracker.refuseExpired(this);
  }

  /** It left the table for good; whoever still holds the entity may not use it. */
  retire(): void {
    this.list?.remove(this);
    this.lease = 0;
    this.touchedEpoch = 0;
    this.present = false;
  }
}
