import { AepError, assert, type Clock, type Log, toError } from '@aep/kernel';
import {
  type ApplyResult,
  type BackgroundFold,
  type RangeBytes,
  type StateTables,
  type StoreSnapshot,
  type TableChanges,
  type TableEntry,
} from '@aep/store';
import type { Transaction } from 'lmdb';
import { logCommitDetail } from './commit-detail.js';
import { EntryReader } from './entry-reader.js';
import { EntryValues } from './entry-values.js';
import type { Environments } from './environment.js';
import type { FoldThread } from './fold-thread.js';
import { putChanges } from './put-changes.js';
import { type HeldReader, ReaderDeadlines, readerExpired } from './reader-deadlines.js';
import { MetaName, numberOf, readNumber } from './store-meta.js';
import { TableKey } from './table-key.js';
import { rangeOptions } from './table-range.js';

export interface LmdbTablesContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly readerDeadlineMs: number;
  /** Whether the volume has room for that many bytes beside its reserve (S4). */
  hasRoom(byteCount: number): boolean;
  /** An entry does not read back as it was written; whoever reads it gets the same error. */
  onDamage(error: AepError): void;
  /** Without it every change comes through {@link LmdbTables.apply}. */
  readonly foldThread?: FoldThread | undefined;
}

type FoldDone = (error: AepError | undefined, entries: number) => void;

/** The durable tables in LMDB: applied behind the journal, in an environment of their own (S6). */
export class LmdbTables implements StateTables {
  appliedTxId: number;
  applies = 0;
  entriesApplied = 0;
  readonly deadlines: ReaderDeadlines;
  /** @internal */
  readonly reader: EntryReader;
  /** Of the write that is under way. */
  private readonly values = new EntryValues();
  readonly background: BackgroundFold | undefined;
  private isApplying = false;
  private isClosed = false;
  private readonly lookup = new TableKey(0, NO_BYTES);

  constructor(
    private readonly environments: Environments,
    private readonly context: LmdbTablesContext,
  ) {
    this.appliedTxId = readNumber(environments.stateMeta, MetaName.appliedTxId) ?? 0;
    this.deadlines = new ReaderDeadlines(context.clock, context.readerDeadlineMs);
    this.reader = new EntryReader((error) => context.onDamage(error));
    const { foldThread } = context;
    this.background = foldThread && {
      prepare: () => foldThread.prepare(),
      fold: (toTxId, done) => this.foldBehind(foldThread, toTxId, done),
    };
  }

  get(tableId: number, key: Uint8Array): Uint8Array | undefined {
    if (this.isClosed) throw storeClosed();
    this.lookup.at(tableId, key, 0, key.length);
    return this.reader.get(this.environments.tables, this.lookup);
  }

  range(tableId: number, options: RangeBytes = {}): IterableIterator<TableEntry> {
    return this.scan(tableId, options);
  }

  apply(changes: TableChanges, appliedTxId: number, done: (error: AepError | undefined) => void): ApplyResult {
    if (!this.begin(appliedTxId, changes.size)) return 'busy';
    const written = this.environments.state.batch(() =>
      putChanges(this.environments, this.values, changes, appliedTxId),
    );
    written.then(
      () => {
        this.values.clear();
        this.ended(appliedTxId, changes.size);
        done(undefined);
      },
      (thrown: unknown) => {
        logCommitDetail(thrown, this.context.log);
        done(applyFailed(appliedTxId, thrown));
      },
    );
    return 'accepted';
  }

  /** {@link BackgroundFold.fold} by the thread. */
  private foldBehind(thread: FoldThread, toTxId: number, done: FoldDone): ApplyResult {
    if (!this.begin(toTxId, toTxId - this.appliedTxId)) return 'busy';
    thread.fold(toTxId, (error, entries) => {
      if (error !== undefined) {
        done(error instanceof AepError ? error : applyFailed(toTxId, error), 0);
        return;
      }
      // The read transaction of this turn may be older than what the thread has written.
      this.environments.state.resetReadTxn();
      this.ended(toTxId, entries);
      done(undefined, entries);
    });
    return 'accepted';
  }

  /** False when nothing may be written now. After a failed write that stays so: nothing more is tried (H22). */
  private begin(toTxId: number, entriesGuess: number): boolean {
    if (this.isApplying || this.isClosed || !this.context.hasRoom(entriesGuess * ENTRY_BYTES_GUESS)) return false;
    assert(toTxId >= this.appliedTxId, 'the tables never go back (E35)');
    this.isApplying = true;
    return true;
  }

  private ended(appliedTxId: number, entries: number): void {
    this.isApplying = false;
    this.appliedTxId = appliedTxId;
    this.applies++;
    this.entriesApplied += entries;
  }

  snapshot(): StoreSnapshot {
    if (this.isClosed) throw storeClosed();
    // A transaction of an earlier turn would show an older state than `appliedTxId` says.
    this.environments.state.resetReadTxn();
    const snapshot = new LmdbSnapshot(this.environments, this, this.deadlines);
    this.deadlines.add(snapshot);
    return snapshot;
  }

  /** Scans by the given transaction, or by the one of this turn. */
  scan(tableId: number, options: RangeBytes, transaction?: Transaction): IterableIterator<TableEntry> {
    if (this.isClosed) throw storeClosed();
    const iterable = this.environments.tables.getRange({
      ...rangeOptions(tableId, options),
      ...(transaction === undefined ? {} : { transaction }),
    });
    const entries = iterable[Symbol.iterator]() as Iterator<TableEntry>;
    const scan = new Scan(entries, this.deadlines, (key, value) => this.reader.open(tableId, key, value));
    this.deadlines.add(scan);
    return scan;
  }

  /** Readers that are still open are closed; nothing is read or written any more. */
  close(): void {
    this.isClosed = true;
    this.deadlines.closeAll();
  }

  /** After another process has written: what it has applied by now. */
  refresh(): void {
    this.environments.state.resetReadTxn();
    this.appliedTxId = readNumber(this.environments.stateMeta, MetaName.appliedTxId) ?? 0;
  }
}

class Scan implements IterableIterator<TableEntry>, HeldReader {
  readonly openedMs: number;
  private isExpired = false;

  constructor(
    private readonly entries: Iterator<TableEntry>,
    private readonly deadlines: ReaderDeadlines,
    private readonly open: (key: Uint8Array, value: Uint8Array) => Uint8Array,
  ) {
    this.openedMs = deadlines.nowMs();
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<TableEntry> {
    if (this.isExpired) throw readerExpired(this.deadlines.deadlineMs);
    const result = this.entries.next();
    if (result.done === true) {
      this.deadlines.remove(this);
      return result;
    }
    const { key, value } = result.value;
    try {
      return { done: false, value: { key, value: this.open(key, value) } };
    } catch (thrown) {
      // Who is thrown at does not call `return`.
      this.return();
      throw thrown;
    }
  }

  return(): IteratorResult<TableEntry> {
    this.deadlines.remove(this);
    this.entries.return?.();
    return { done: true, value: undefined };
  }

  expire(): void {
    this.isExpired = true;
    this.entries.return?.();
  }
}

class LmdbSnapshot implements StoreSnapshot, HeldReader {
  readonly appliedTxId: number;
  readonly openedMs: number;
  private readonly transaction: Transaction;
  private state: 'open' | 'closed' | 'expired' = 'open';

  constructor(
    private readonly environments: Environments,
    private readonly tables: LmdbTables,
    private readonly deadlines: ReaderDeadlines,
  ) {
    this.openedMs = deadlines.nowMs();
    this.transaction = environments.state.useReadTransaction();
    const applied = environments.stateMeta.get(MetaName.appliedTxId, { transaction: this.transaction });
    this.appliedTxId = numberOf(MetaName.appliedTxId, applied) ?? 0;
  }

  get(tableId: number, key: Uint8Array): Uint8Array | undefined {
    this.checkOpen();
    return this.tables.reader.get(this.environments.tables, new TableKey(tableId, key), this.transaction);
  }

  range(tableId: number, options: RangeBytes = {}): IterableIterator<TableEntry> {
    this.checkOpen();
    return this.tables.scan(tableId, options, this.transaction);
  }

  close(): void {
    if (this.state !== 'open') return;
    this.state = 'closed';
    this.deadlines.remove(this);
    this.transaction.done();
  }

  expire(): void {
    if (this.state !== 'open') return;
    this.state = 'expired';
    this.transaction.done();
  }

  private checkOpen(): void {
    if (this.state === 'expired') throw readerExpired(this.deadlines.deadlineMs);
    assert(this.state === 'open', 'a closed snapshot is not read');
  }
}

const NO_BYTES = new Uint8Array(0);
/** For the check of free space only: entries are small, and the reserve forgives. */
const ENTRY_BYTES_GUESS = 512;

export function storeClosed(): AepError {
  return new AepError('AEP_STORE_CLOSED', 'reject', 'the store has been closed: open it again to use it');
}

function applyFailed(appliedTxId: number, thrown: unknown): AepError {
  return new AepError(
    'AEP_STORE_WRITE_FAILED',
    'fatal',
    `the tables could not be brought to record ${appliedTxId}: ${toError(thrown).message}; check the device and its free space, then restart`,
    { appliedTxId },
    thrown,
  );
}
