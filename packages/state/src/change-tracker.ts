import { AepError, assert } from '@aep/kernel';
import type { ChangeSink } from './change-sink.js';
import type { EntityTable } from './entity-table.js';
import type { Entry } from './entry.js';
import type { EntryCache } from './entry-cache.js';
import { entityDeleted, entityExpired, outsideTransaction } from './state-errors.js';
import type { UndoLog } from './undo-log.js';

/** A place in the open transaction to roll back to (E36). Valid until the transaction ends or an earlier savepoint is rolled back to. */
export interface Savepoint {
  readonly savepoint: true;
}

/**
 * The open transaction: what it changed, how to undo it, and which entities handlers may use. One at a time.
 *
 * Time is counted in *epochs*. Begin, savepoint and end start a new one, and the first touch of an entry in an
 * epoch takes its pre-image. A *period* is named by the epoch that a transaction, or the stretch between two, began with;
 * an entity is leased for the period in which it was obtained (E62).
 */
export class ChangeTracker {
  /** An entry touched in the present epoch has its pre-image. */
  epoch = 1;
  /** The epoch in which the open transaction, or the stretch since the last one, began. */
  period = 1;
  isOpen = false;
  sealedTxId = 0;
  appliedTxId = 0;
  /** Walks that hold a read snapshot. */
  readonly openRanges = new Set<OpenRange>();
  private readonly changedTables: EntityTable[] = [];
  private changedTableCount = 0;
  private savepoints: OpenSavepoint[] = [];

  constructor(
    readonly checked: boolean,
    readonly cache: EntryCache,
    private readonly undo: UndoLog,
  ) {}

  begin(): void {
    assert(!this.isOpen, 'a transaction begins after the one before it has ended');
    this.isOpen = true;
    this.startPeriod();
  }

  /** The first change of the entity in this epoch. */
  touch(entry: Entry): void {
    if (!this.isOpen) throw outsideTransaction(entry);
    // Also without checked mode: a change to an entity that left the cache would be lost in silence.
    if (entry.lease !== this.period && !entry.isPermanent) throw entityExpired(entry);
    if (entry.present) {
      this.record(entry);
    } else {
      if (!entry.isPermanent) throw entityDeleted(entry);
      this.create(entry);
    }
  }

  /** The absent entry becomes present, with an entity of default values. */
  create(entry: Entry): void {
    if (!this.isOpen) throw outsideTransaction(entry);
    this.record(entry);
    entry.present = true;
    entry.table.noteFresh(entry);
  }

  /** The present entry becomes a tombstone. Its entity keeps its values for who holds it, until the transaction ends. */
  remove(entry: Entry): void {
    if (!this.isOpen) throw outsideTransaction(entry);
    if (entry.touchedEpoch !== this.epoch) this.record(entry);
    entry.present = false;
    // So that the next setter call asks, and is refused.
    entry.touchedEpoch = 0;
  }

  refuseExpired(entry: Entry): never {
    throw entityExpired(entry);
  }

  savepoint(): Savepoint {
    assert(this.isOpen, 'a savepoint is made inside a transaction');
    if (this.savepoints.length >= SAVEPOINTS_MAX) throw tooManySavepoints();
    const savepoint: OpenSavepoint = { savepoint: true, depth: this.savepoints.length, undoSize: this.undo.size };
    this.savepoints.push(savepoint);
    this.epoch++;
    return savepoint;
  }

  /** The savepoint stays valid; those made after it are gone. */
  rollbackTo(savepoint: Savepoint): void {
    const { depth, undoSize } = savepoint as OpenSavepoint;
    if (this.savepoints[depth] !== savepoint) throw savepointInvalid();
    this.undoDownTo(undoSize);
    this.savepoints.length = depth + 1;
  }

  rollback(): void {
    assert(this.isOpen, 'a rollback ends an open transaction');
    this.undoDownTo(0);
    this.end();
  }

  /** When the sink throws, nothing is sealed and the transaction is still open: roll it back. */
  seal(txId: number, sink: ChangeSink): void {
    assert(this.isOpen, 'a seal ends an open transaction');
    assert(txId > this.sealedTxId, 'transactions are sealed in order');
    const tables = this.changedTables;
    const count = this.changedTableCount;
    sortById(tables, count);
    for (let index = 0; index < count; index++) tables[index]!.handOver(sink);
    for (let index = 0; index < count; index++) this.settleSealed(tables[index]!, txId);
    this.sealedTxId = txId;
    this.end();
  }

  /** Entries last changed at or before the transaction are in the durable tables now. */
  checkpointed(appliedTxId: number): void {
    if (appliedTxId <= this.appliedTxId) return;
    assert(appliedTxId <= this.sealedTxId || this.sealedTxId === 0, 'a checkpoint covers sealed transactions only');
    this.appliedTxId = appliedTxId;
    for (;;) {
      const entry = this.cache.unpinNext(appliedTxId);
      if (entry === undefined) return;
      // One that the open transaction changed as well finds its place when that ends.
      if (!entry.isChanged) this.bringHome(entry);
    }
  }

  /** The durable tables are read anew from now on. */
  forget(): void {
    assert(!this.isOpen, 'state is dropped between transactions');
    // A tail that was cut gives its numbers to other transactions.
    this.sealedTxId = 0;
    this.appliedTxId = 0;
    this.startPeriod();
  }

  /** All leases end; what was obtained before is expired. */
  private startPeriod(): void {
    this.period = ++this.epoch;
    if (this.openRanges.size > 0) this.expireRanges();
  }

  private expireRanges(): void {
    for (const range of this.openRanges) range.expire();
  }

  private record(entry: Entry): void {
    this.undo.record(entry, !entry.isChanged);
    entry.touchedEpoch = this.epoch;
    if (entry.isChanged) return;
    entry.isChanged = true;
    this.cache.holdChanged(entry);
    const { table } = entry;
    table.changed.push(entry);
    if (!table.isOnChangedList) {
      table.isOnChangedList = true;
      this.changedTables[this.changedTableCount++] = table;
    }
  }

  private undoDownTo(size: number): void {
    const { undo } = this;
    while (undo.size > size) {
      const entry = undo.last;
      if (!undo.undoLast()) continue;
      assert(entry.table.changed.pop() === entry, 'undo meets first changes in reverse order');
      entry.isChanged = false;
      this.bringHome(entry);
    }
  }

  private settleSealed(table: EntityTable, txId: number): void {
    const { changed } = table;
    for (let index = 0; index < changed.size; index++) {
      const entry = changed.at(index);
      entry.isChanged = false;
      if (entry.present || entry.sealedPresent) {
        entry.sealedPresent = entry.present;
        entry.changedTxId = txId;
        this.cache.pin(entry);
      } else {
        // Created and deleted by the same transaction: the sink did not hear of it.
        this.bringHome(entry);
      }
    }
    changed.clear();
  }

  /** Where an entry goes that no open transaction changes: it stays pinned, becomes clean, or leaves as nothing is there. */
  private bringHome(entry: Entry): void {
    if (entry.isPinned) return;
    entry.table.forgetFresh(entry);
    if (entry.isPermanent) return;
    if (entry.present) this.cache.addClean(entry, this.period);
    else entry.table.drop(entry);
  }

  private end(): void {
    while (this.changedTableCount > 0) this.changedTables[--this.changedTableCount]!.isOnChangedList = false;
    if (this.savepoints.length > 0) this.savepoints = [];
    this.undo.clear();
    this.isOpen = false;
    this.startPeriod();
    this.cache.trim(this.period, 0);
  }
}

/** A walk over a table; ends with the period in which it began. */
export interface OpenRange {
  expire(): void;
}

interface OpenSavepoint extends Savepoint {
  readonly depth: number;
  readonly undoSize: number;
}

/** Insertion sort: a transaction changes two or three tables, and Array.sort would allocate. */
function sortById(tables: EntityTable[], count: number): void {
  for (let sorted = 1; sorted < count; sorted++) {
    const table = tables[sorted]!;
    let place = sorted;
    for (; place > 0 && tables[place - 1]!.id > table.id; place--) tables[place] = tables[place - 1]!;
    tables[place] = table;
  }
}

function savepointInvalid(): AepError {
  return new AepError(
    'AEP_STATE_SAVEPOINT_INVALID',
    'reject',
    'the savepoint is of an ended transaction, or an earlier savepoint was rolled back to since: make savepoints and use them inside one handler call, innermost first',
  );
}

function tooManySavepoints(): AepError {
  return new AepError(
    'AEP_STATE_TRANSACTION_TOO_LARGE',
    'reject',
    `the transaction has ${SAVEPOINTS_MAX} savepoints already: reuse one (rollbackTo keeps it valid) instead of making one per step`,
    { limit: SAVEPOINTS_MAX },
  );
}

const SAVEPOINTS_MAX = 10_000;
