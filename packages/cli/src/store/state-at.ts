import { AepError } from '@aep/kernel';
import {
  type JournalReader,
  RecordFold,
  RecordReader,
  type StoreSnapshot,
  type TableEntry,
  type TableSink,
} from '@aep/store';
import type { LmdbStoreReader } from '@aep/store-lmdb';

export type OnFolded = (done: number, total: number) => void;

/** What a key holds; undefined: it was deleted. */
type Value = Uint8Array | undefined;

/**
 * The tables of a store as of one transaction (E102): the durable tables with the journal folded over them, in memory.
 * Close it: it holds a snapshot of the store.
 *
 * ```
 * txId >= appliedTxId   snapshot of the tables + records appliedTxId+1 .. txId
 * txId <  appliedTxId   nothing               + records 1 .. txId             (only while the journal reaches back to 1)
 * ```
 */
export class StateAt {
  /** The transaction that is looked at. */
  txId: number;
  private readonly changed = new TableOverlay();

  private constructor(
    private readonly journal: JournalReader,
    /** Undefined when all of it is folded. */
    private readonly base: StoreSnapshot | undefined,
    fromTxId: number,
  ) {
    this.txId = fromTxId;
  }

  /**
   * @param txId the newest that is stable when it is left out
   * @throws AEP_CLI_RECORD_UNKNOWN, AEP_CLI_STATE_TRIMMED, AEP_RECORD_CORRUPT
   */
  static open(reader: LmdbStoreReader, txId: number | undefined, onFolded: OnFolded = () => {}): StateAt {
    const { journal } = reader;
    const snapshot = reader.tables.snapshot();
    try {
      const { appliedTxId } = snapshot;
      // The tables may have moved on since the journal was looked at.
      const newest = Math.max(journal.stableTxId, appliedTxId);
      const wanted = txId ?? newest;
      if (wanted > newest) throw recordUnknown(wanted, newest);
      if (wanted < appliedTxId && journal.firstTxId > 1) throw stateTrimmed(wanted, journal.firstTxId, appliedTxId);
      const isBased = wanted >= appliedTxId;
      if (!isBased) snapshot.close();
      const state = new StateAt(journal, isBased ? snapshot : undefined, isBased ? appliedTxId : 0);
      state.advanceTo(wanted, onFolded);
      return state;
    } catch (thrown) {
      snapshot.close();
      throw thrown;
    }
  }

  get(tableId: number, key: Uint8Array): Value {
    const entry = this.changed.find(tableId, toLatin(key));
    return entry === undefined ? this.base?.get(tableId, key) : entry.value;
  }

  /** Entries of a table in the order of their keys. */
  *range(tableId: number): IterableIterator<TableEntry> {
    const overlay = this.changed.sorted(tableId);
    let next = 0;
    for (const stored of this.base?.range(tableId) ?? []) {
      const key = toLatin(stored.key);
      for (; next < overlay.length && overlay[next]![0] < key; next++) yield* present(overlay[next]!);
      if (next < overlay.length && overlay[next]![0] === key) yield* present(overlay[next++]!);
      else yield stored;
    }
    for (; next < overlay.length; next++) yield* present(overlay[next]!);
  }

  /** Ids of all tables that the fold or one of the candidates has an entry in. */
  tableIds(candidates: readonly number[]): number[] {
    const ids = new Set([...candidates, ...this.changed.tableIds()]);
    return [...ids].filter((id) => !this.range(id).next().done).toSorted((left, right) => left - right);
  }

  /**
   * What is different at a later transaction, in order of table and key.
   *
   * @throws AEP_CLI_RECORD_UNKNOWN, AEP_RECORD_CORRUPT
   */
  changesUpTo(txId: number, onFolded: OnFolded = () => {}): StateChange[] {
    const later = new TableOverlay();
    this.fold(txId, later, onFolded);
    const changes: StateChange[] = [];
    for (const tableId of later.tableIds().toSorted((left, right) => left - right)) {
      for (const [latin, after] of later.sorted(tableId)) {
        const key = Buffer.from(latin, 'latin1');
        const before = this.get(tableId, key);
        if (!isEqual(before, after.value)) changes.push({ tableId, key, before, after: after.value });
      }
    }
    return changes;
  }

  /** Number of entries of a table; reads all of them. */
  count(tableId: number): number {
    let count = 0;
    const entries = this.range(tableId);
    while (entries.next().done !== true) count++;
    return count;
  }

  close(): void {
    this.base?.close();
  }

  private advanceTo(txId: number, onFolded: OnFolded): void {
    this.fold(txId, this.changed, onFolded);
    this.txId = txId;
  }

  private fold(toTxId: number, sink: TableSink, onFolded: OnFolded): void {
    const reader = new RecordReader();
    const fold = new RecordFold();
    const fromTxId = this.txId + 1;
    if (fromTxId > toTxId) return;
    if (toTxId > this.journal.stableTxId) throw recordUnknown(toTxId, this.journal.stableTxId);
    for (const { txId, bytes } of this.journal.read(fromTxId)) {
      if (txId > toTxId) return;
      reader.open(bytes);
      fold.fold(reader, sink);
      onFolded(txId - fromTxId + 1, toTxId - fromTxId + 1);
    }
  }
}

/** One key that is different at two transactions; undefined: it was not there. */
export interface StateChange {
  readonly tableId: number;
  readonly key: Uint8Array;
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
}

/** Changes by table and key. Keys are strings of one unit per byte, whose order is the order of the bytes. */
class TableOverlay implements TableSink {
  private readonly tables = new Map<number, Map<string, { value: Value }>>();

  put(tableId: number, key: Uint8Array, value: Uint8Array): void {
    this.table(tableId).set(toLatin(key), { value: value.slice() });
  }

  delete(tableId: number, key: Uint8Array): void {
    this.table(tableId).set(toLatin(key), { value: undefined });
  }

  find(tableId: number, key: string): { readonly value: Value } | undefined {
    return this.tables.get(tableId)?.get(key);
  }

  tableIds(): number[] {
    return [...this.tables.keys()];
  }

  sorted(tableId: number): [string, { readonly value: Value }][] {
    return [...(this.tables.get(tableId) ?? [])].toSorted(([left], [right]) => (left < right ? -1 : 1));
  }

  private table(tableId: number): Map<string, { value: Value }> {
    let table = this.tables.get(tableId);
    if (table === undefined) this.tables.set(tableId, (table = new Map()));
    return table;
  }
}

function toLatin(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

function* present([key, { value }]: [string, { readonly value: Value }]): IterableIterator<TableEntry> {
  if (value !== undefined) yield { key: Buffer.from(key, 'latin1'), value };
}

function isEqual(left: Value, right: Value): boolean {
  if (left === undefined || right === undefined) return left === right;
  return Buffer.compare(left, right) === 0;
}

export function recordUnknown(txId: number, newest: number): AepError {
  const there = newest === 0 ? 'the journal is empty' : `the newest is ${newest}`;
  return new AepError('AEP_CLI_RECORD_UNKNOWN', 'reject', `there is no record ${txId}: ${there}`, { txId, newest });
}

function stateTrimmed(txId: number, firstTxId: number, appliedTxId: number): AepError {
  return new AepError(
    'AEP_CLI_STATE_TRIMMED',
    'reject',
    `the state at ${txId} cannot be rebuilt: the journal begins at ${firstTxId}, and the tables are at ${appliedTxId}. ` +
      `Look at ${appliedTxId} or later, or raise journalRetention to keep records`,
    { txId, firstTxId, appliedTxId },
  );
}
