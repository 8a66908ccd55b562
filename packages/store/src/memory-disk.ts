import { AepError, toError } from '@aep/kernel';
import { NO_BASE } from './journal-position.js';
import type { PackedRun } from './open-runs.js';
import { RecordReader } from './record-reader.js';
import { SortedTable } from './sorted-table.js';
import type { StoreIdentity } from './store.js';
import type { StoreBase } from './store-maker.js';

/** What a {@link MemoryStore} finds after a crash: everything that was durable. Belongs to one store at a time. */
export class MemoryDisk {
  identity: StoreIdentity | undefined;
  base: StoreBase = NO_BASE;
  /** False while a store is being made: nobody has used it yet. */
  isComplete = true;
  epoch = 0;
  confirmedTxId = 0;
  appliedTxId = 0;
  runs: PackedRun[] = [];
  /** Commits and applies that have failed since the store on it was made. */
  failures = 0;
  readonly tables = new Map<number, SortedTable>();

  /** A store that is being made takes the place of what is there. */
  format(identity: StoreIdentity | undefined, base: StoreBase): void {
    this.identity = identity;
    this.base = { ...base, hash: { ...base.hash } };
    this.isComplete = false;
    this.epoch = base.epoch;
    this.confirmedTxId = base.confirmedTxId;
    this.appliedTxId = base.txId;
    this.runs = [];
    this.failures = 0;
    this.tables.clear();
  }

  /** A new disk takes the place of this one. */
  erase(): void {
    this.format(undefined, NO_BASE);
  }

  table(tableId: number): SortedTable {
    let table = this.tables.get(tableId);
    if (table === undefined) {
      table = new SortedTable();
      this.tables.set(tableId, table);
    }
    return table;
  }

  /** Index of the run that holds `txId`, or of the first after it. */
  runIndex(txId: number): number {
    let low = 0;
    let high = this.runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.runs[middle]!.lastTxId < txId) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Reads every record, as a store does before it uses any of them (S5). Answers what is wrong with the first bad one. */
  damage(): AepError | undefined {
    const reader = new RecordReader();
    const hash = { low: 0, high: 0 };
    let lastTxId: number | undefined;
    try {
      for (const { bytes, start, end } of this.runs)
        for (let at = start; at < end;) {
          at = reader.open(bytes, at, end);
          if (lastTxId !== undefined) reader.checkFollows(lastTxId, hash);
          lastTxId = reader.txId;
          hash.low = reader.hash.low;
          hash.high = reader.hash.high;
        }
      return undefined;
    } catch (thrown) {
      return toError(thrown) as AepError;
    }
  }

  /** Flips one bit of a record where it lies (S5). The run is copied first: a live outbox must not see the damage. */
  flipBit(txId: number, byteInRecord: number, bit: number): void {
    const index = this.runIndex(txId);
    const run = this.runs[index];
    if (run === undefined || run.firstTxId > txId) throw noRecord(txId);
    const bytes = run.bytes.slice(run.start, run.end);
    let at = 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let skip = run.firstTxId; skip < txId; skip++) at += view.getUint32(at, true);
    bytes[at + byteInRecord]! ^= 1 << bit;
    this.runs[index] = { ...run, bytes, start: 0, end: bytes.length };
  }

  /** Takes bytes off the end of the newest run: a write that came out short. */
  shorten(byteCount: number): void {
    const run = this.runs.pop();
    if (run === undefined) throw noRecord(0);
    this.runs.push({ ...run, end: Math.max(run.start, run.end - byteCount) });
  }
}

function noRecord(txId: number): AepError {
  return new AepError('AEP_ASSERTION', 'reject', `the disk holds no record ${txId}`, { txId });
}
