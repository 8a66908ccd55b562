import { AepError, assert, type Clock } from '@aep/kernel';
import type { MemoryDisk } from './memory-disk.js';
import type { MemoryFaults } from './memory-faults.js';
import { SortedTable } from './sorted-table.js';
import type { ApplyResult, StateTables, TableChanges } from './store.js';
import type { CopiedEntry, CopySnapshot } from './store-maker.js';
import type { RangeBytes, TableEntry } from './tables.js';

interface PendingApply {
  readonly entries: readonly { tableId: number; key: Uint8Array; value: Uint8Array | undefined }[];
  readonly appliedTxId: number;
}

/** The tables of a {@link MemoryStore}: a change is in them when the simulated apply has ended on the clock. */
export class MemoryTables implements StateTables {
  inFlight: PendingApply | undefined;
  private isDead = false;

  constructor(
    private readonly disk: MemoryDisk,
    private readonly faults: MemoryFaults,
    private readonly clock: Clock,
  ) {}

  get appliedTxId(): number {
    return this.disk.appliedTxId;
  }

  get(tableId: number, key: Uint8Array): Uint8Array | undefined {
    return this.disk.tables.get(tableId)?.get(key)?.slice();
  }

  range(tableId: number, options?: RangeBytes): IterableIterator<TableEntry> {
    return (this.disk.tables.get(tableId) ?? NO_ENTRIES).range(options);
  }

  apply(changes: TableChanges, appliedTxId: number, done: (error: AepError | undefined) => void): ApplyResult {
    if (this.inFlight !== undefined || this.isDead) return 'busy';
    assert(appliedTxId >= this.disk.appliedTxId, 'the tables never go back (E35)');
    const pending: PendingApply = { entries: copied(changes), appliedTxId };
    this.inFlight = pending;
    const fails = this.faults.failsNextApply;
    this.faults.failsNextApply = false;
    this.clock.schedule(this.faults.applyMs(), () => {
      if (this.isDead) return;
      this.inFlight = undefined;
      if (fails) this.disk.failures++;
      else applyTo(this.disk, pending);
      done(fails ? applyFailed(appliedTxId) : undefined);
    });
    return 'accepted';
  }

  snapshot(): CopySnapshot {
    const tables = new Map<number, SortedTable>();
    for (const [tableId, table] of this.disk.tables) tables.set(tableId, table.fork());
    return new MemorySnapshot(this.disk.appliedTxId, tables);
  }

  crash(): PendingApply | undefined {
    this.isDead = true;
    return this.inFlight;
  }
}

class MemorySnapshot implements CopySnapshot {
  constructor(
    readonly appliedTxId: number,
    private readonly tables: Map<number, SortedTable>,
  ) {}

  get(tableId: number, key: Uint8Array): Uint8Array | undefined {
    return this.tables.get(tableId)?.get(key)?.slice();
  }

  range(tableId: number, options?: RangeBytes): IterableIterator<TableEntry> {
    return (this.tables.get(tableId) ?? NO_ENTRIES).range(options);
  }

  *entries(after?: { readonly tableId: number; readonly key: Uint8Array }): IterableIterator<CopiedEntry> {
    const tableIds = [...this.tables.keys()].sort((a, b) => a - b);
    for (const tableId of tableIds) {
      if (after !== undefined && tableId < after.tableId) continue;
      const bounds = after?.tableId === tableId ? { gt: after.key } : {};
      for (const { key, value } of this.range(tableId, bounds)) yield { tableId, key, value };
    }
  }

  close(): void {
    this.tables.clear();
  }
}

/** Puts a change on the disk whole. */
export function applyTo(disk: MemoryDisk, pending: PendingApply): void {
  for (const { tableId, key, value } of pending.entries) {
    if (value === undefined) disk.table(tableId).delete(key);
    else disk.table(tableId).put(key, value);
  }
  disk.appliedTxId = pending.appliedTxId;
}

function copied(changes: TableChanges): PendingApply['entries'] {
  const entries: { tableId: number; key: Uint8Array; value: Uint8Array | undefined }[] = [];
  for (const { tableId, key, value } of changes) entries.push({ tableId, key: key.slice(), value: value?.slice() });
  return entries;
}

function applyFailed(appliedTxId: number): AepError {
  return new AepError(
    'AEP_STORE_WRITE_FAILED',
    'fatal',
    `the tables could not be brought to record ${appliedTxId}: the write failed; check the device, then restart`,
    { appliedTxId },
  );
}

const NO_ENTRIES = new SortedTable();
