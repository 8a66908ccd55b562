import type { ChangeSink, StateSource } from '@aep/state';
import type { RangeBytes, TableEntry } from '@aep/store';

interface Change {
  readonly txId: number;
  readonly tableId: number;
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/**
 * The tables of a store in memory, with the journal in front of them: sealed changes wait until `checkpoint` applies them.
 * Ranges read a snapshot, as LMDB's do, so that a space which forgets to reopen one is found out.
 */
export class DurableTables implements StateSource {
  /** Iterators that were opened and not yet closed. */
  openIterators = 0;
  /** Entries that were read, by get or range. */
  reads = 0;
  appliedTxId = 0;
  private tables = new Map<number, Map<string, Uint8Array>>();
  private waiting: Change[] = [];

  /** The sink for a transaction. `log` gets a line per change. */
  sink(txId: number, log: string[] = []): ChangeSink {
    return {
      put: (tableId, key, keyLength, entity) => {
        log.push(`put ${tableId} ${textOf(key, keyLength)}`);
        this.waiting.push({ txId, tableId, key: hexOf(key, keyLength), value: Uint8Array.from(entity.toBytes()) });
      },
      delete: (tableId, key, keyLength) => {
        log.push(`delete ${tableId} ${textOf(key, keyLength)}`);
        this.waiting.push({ txId, tableId, key: hexOf(key, keyLength), value: undefined });
      },
    };
  }

  checkpoint(txId: number): void {
    // Copied before the first write: iterators walk the map that they were opened on.
    const copies = new Map<number, Map<string, Uint8Array>>();
    for (const change of this.waiting) {
      if (change.txId > txId) continue;
      const table = copies.get(change.tableId) ?? new Map(this.tables.get(change.tableId));
      copies.set(change.tableId, table);
      if (change.value === undefined) table.delete(change.key);
      else table.set(change.key, change.value);
    }
    for (const [tableId, table] of copies) this.tables.set(tableId, table);
    this.waiting = this.waiting.filter((change) => change.txId > txId);
    this.appliedTxId = Math.max(this.appliedTxId, txId);
  }

  /** Every waiting change is applied, as recovery does with the journal's tail (E35). */
  recover(): void {
    this.checkpoint(Infinity);
  }

  /** The journal loses what was not checkpointed. */
  cutTail(): void {
    this.waiting = [];
  }

  put(tableId: number, key: Uint8Array, value: Uint8Array): void {
    this.tables.set(tableId, new Map(this.tables.get(tableId)).set(hexOf(key, key.length), value));
  }

  /** Durable keys of a table. */
  count(tableId: number): number {
    return this.tables.get(tableId)?.size ?? 0;
  }

  get(tableId: number, key: Uint8Array): Uint8Array | undefined {
    this.reads++;
    return this.tables.get(tableId)?.get(hexOf(key, key.length));
  }

  *range(tableId: number, options: RangeBytes = {}): IterableIterator<TableEntry> {
    // A generator runs from its first step on; LMDB's iterators read as of their first step too.
    this.openIterators++;
    try {
      const { gte, gt, lte, lt, reverse = false } = options;
      const table = this.tables.get(tableId) ?? new Map<string, Uint8Array>();
      const keys = [...table.keys()].filter(
        (key) =>
          (gte === undefined || key >= hexOf(gte, gte.length)) &&
          (gt === undefined || key > hexOf(gt, gt.length)) &&
          (lte === undefined || key <= hexOf(lte, lte.length)) &&
          (lt === undefined || key < hexOf(lt, lt.length)),
      );
      keys.sort();
      if (reverse) keys.reverse();
      for (const key of keys) {
        this.reads++;
        yield { key: Uint8Array.from(Buffer.from(key, 'hex')), value: table.get(key)! };
      }
    } finally {
      this.openIterators--;
    }
  }
}

function hexOf(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString('hex');
}

function textOf(bytes: Uint8Array, length: number): string {
  const text = Buffer.from(bytes.subarray(0, length)).toString('latin1');
  return /^[ -~]+$/.test(text) ? text : `0x${hexOf(bytes, length)}`;
}
