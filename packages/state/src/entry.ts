import type { Entity, EntityOwner } from '@aep/messages';
import type { EntityTable } from './entity-table.js';
import type { StateKey } from './key-codec.js';

/**
 * The place of one key in memory, and the owner of its entity for as long as it is there. The entity object is made once
 * and stays the same through rollback, deletion and re-creation, so that references a handler holds keep their meaning.
 *
 * The fields come in the order in which a transaction meets them: entries are many and far apart in memory, and what get
 * and the first setter need should lie in one or two cache lines.
 */
export class Entry implements EntityOwner {
  readonly entity: Entity;
  readonly table: EntityTable;
  /** Whether the key exists as the open transaction sees it; an absent entry is a tombstone or was never written. */
  present = false;
  /** The period in which a handler obtained the entity; 0: nobody may use it. */
  lease = 0;
  /** The epoch in which a pre-image of it was taken; 0: none. */
  touchedEpoch = 0;
  /** It is on its table's list of changes of the open transaction. */
  isChanged = false;
  /** Equal to the durable table, and the cache may drop it. */
  isClean = false;
  /** Changed by a sealed transaction that the durable table lacks: on the cache's pinned list, between `previous` and `next`. */
  isPinned = false;
  /** Held by the space itself (single values, bounds of collections): never dropped, and its entity never expires. */
  readonly isPermanent: boolean;
  readonly key: StateKey;
  /** Whether the key exists as of the last sealed transaction. */
  sealedPresent = false;
  /** The last sealed transaction that changed it; 0: none since it came into memory. */
  changedTxId = 0;
  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;
  /** Created since the last checkpoint, so the durable range may lack it. */
  isFresh = false;
  /** Its place on the cache's clock, or -1, and the period in which the hand last passed it. */
  clockIndex = -1;
  clockStamp = 0;

  constructor(table: EntityTable, key: StateKey, entity: Entity, isPermanent: boolean) {
    this.entity = entity;
    this.table = table;
    this.isPermanent = isPermanent;
    this.key = key;
    entity.$owner = this;
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
