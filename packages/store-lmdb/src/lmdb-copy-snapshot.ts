import { assert } from '@aep/kernel';
import type { CopiedEntry, CopySnapshot, RangeBytes, TableEntry } from '@aep/store';
import type { RangeOptions, Transaction } from 'lmdb';
import { type BytesDatabase, type Environments, openWholeTables } from './environment.js';
import type { LmdbTables } from './lmdb-tables.js';
import { MetaName, numberOf } from './store-meta.js';
import { TableKey } from './table-key.js';

/**
 * The tables as of one moment, for a state copy (H12). It has no deadline, because a copy takes as long as its receiver does;
 * whoever copies gives it up when the receiver is gone.
 */
export class LmdbCopySnapshot implements CopySnapshot {
  readonly appliedTxId: number;
  private readonly transaction: Transaction;
  /** The same database with whole keys: those of a table's scan leave the table out. */
  private readonly whole: BytesDatabase;
  private isOpen = true;

  constructor(
    private readonly environments: Environments,
    private readonly tables: Pick<LmdbTables, 'reader' | 'scan'>,
  ) {
    const { state, stateMeta } = environments;
    this.whole = openWholeTables(state);
    // A transaction of an earlier turn would show an older state.
    state.resetReadTxn();
    this.transaction = state.useReadTransaction();
    const applied = stateMeta.get(MetaName.appliedTxId, { transaction: this.transaction });
    this.appliedTxId = numberOf(MetaName.appliedTxId, applied) ?? 0;
  }

  get(tableId: number, key: Uint8Array): Uint8Array | undefined {
    assert(this.isOpen, 'a closed snapshot is not read');
    return this.tables.reader.get(this.environments.tables, new TableKey(tableId, key), this.transaction);
  }

  range(tableId: number, options: RangeBytes = {}): IterableIterator<TableEntry> {
    assert(this.isOpen, 'a closed snapshot is not read');
    return this.tables.scan(tableId, options, this.transaction);
  }

  *entries(after?: { readonly tableId: number; readonly key: Uint8Array }): IterableIterator<CopiedEntry> {
    assert(this.isOpen, 'a closed snapshot is not read');
    const start = after === undefined ? FIRST : wholeKey(after.tableId, after.key);
    const options: RangeOptions = { start, exclusiveStart: after !== undefined, transaction: this.transaction };
    for (const { key, value } of this.whole.getRange(options)) {
      const tableId = (key[0]! << 8) | key[1]!;
      const inTable = Uint8Array.prototype.slice.call(key, 2);
      yield { tableId, key: inTable, value: this.tables.reader.open(tableId, inTable, value) };
    }
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.transaction.done();
  }
}

function wholeKey(tableId: number, key: Uint8Array): Uint8Array {
  const whole = Buffer.allocUnsafe(2 + key.length);
  whole.writeUInt16BE(tableId, 0);
  whole.set(key, 2);
  return whole;
}

const FIRST = wholeKey(0, new Uint8Array(0));
