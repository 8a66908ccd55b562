import type { AepError, Facts } from '@aep/kernel';
import type {
  AppendResult,
  Durability,
  Journal,
  RecordHash,
  RecordRun,
  StateTables,
  Store,
  StoreBase,
  StoreIdentity,
  StoredRecord,
} from '@aep/store';

/**
 * The store of a member that is not the primary, as an engine sees it that only replays: it can be read, and nothing can be
 * written to it. The member writes it, and closes it.
 */
export class ShadowStore implements Store {
  readonly journal: Journal;

  constructor(private readonly store: Store) {
    this.journal = new ShadowJournal(store.journal);
  }

  get identity(): StoreIdentity {
    return this.store.identity;
  }

  get tables(): StateTables {
    return this.store.tables;
  }

  get epoch(): number {
    return this.store.epoch;
  }

  setEpoch(_epoch: number, _done: (error: AepError | undefined) => void): void {
    // An engine that only replays acts in no epoch.
  }

  statistics(): Facts {
    return this.store.statistics();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class ShadowJournal implements Journal {
  readonly room = { bytes: new Uint8Array(0), start: 0 };
  readonly appended = this.room;

  constructor(private readonly journal: Journal) {}

  get durability(): Durability {
    return this.journal.durability;
  }

  get lastTxId(): number {
    return this.journal.lastTxId;
  }

  get lastHash(): RecordHash {
    return this.journal.lastHash;
  }

  get lastEpoch(): number {
    return this.journal.lastEpoch;
  }

  get base(): StoreBase {
    return this.journal.base;
  }

  get stableTxId(): number {
    return this.journal.stableTxId;
  }

  get firstTxId(): number {
    return this.journal.firstTxId;
  }

  get confirmedTxId(): number {
    return this.journal.confirmedTxId;
  }

  read(fromTxId: number): IterableIterator<StoredRecord> {
    return this.journal.read(fromTxId);
  }

  readRuns(fromTxId: number): IterableIterator<RecordRun> {
    return this.journal.readRuns(fromTxId);
  }

  append(): AppendResult {
    return 'closed';
  }

  // Its listener, its commits and its trimming are the member's.

  listen(): void {}
  commit(): void {}
  setConfirmed(): void {}
  trim(): void {}
  cut(_afterTxId: number, _done: (error: AepError | undefined) => void): void {}
}
