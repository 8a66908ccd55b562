import { ReaderRegistry, type Store, Trimmer } from '@aep/store';
import type { ConcludedEngineOptions } from '../engine-options.js';

/**
 * What the journal may give up (E104): records that are in the tables, confirmed by their buses, read by every registered
 * reader, past the retention, and, of an event-sourced application, covered by a snapshot that is itself in the tables.
 */
export class Retention {
  readonly readers: ReaderRegistry;
  private readonly trimmer: Trimmer;
  /** A replay begins after it; Infinity for applications that are not rebuilt by replay. */
  private neededAfterTxId: number;
  private pending: { readonly snapshotTxId: number; readonly recordTxId: number } | undefined;

  constructor(
    private readonly store: Store,
    { clock, limits, haPolicy }: ConcludedEngineOptions,
  ) {
    const { journal, tables } = store;
    this.readers = ReaderRegistry.load(tables);
    this.neededAfterTxId = haPolicy === 'EventSourcing' ? 0 : Infinity;
    this.trimmer = new Trimmer({
      journal,
      clock,
      readers: this.readers,
      retention: { count: limits.journalRetentionRecords, ageMs: limits.journalRetentionMs },
      replicatedTxId: () => this.neededAfterTxId,
    });
    this.trimmer.applied(tables.appliedTxId);
  }

  start(): void {
    this.trimmer.start();
  }

  stop(): void {
    this.trimmer.stop();
  }

  onApplied(txId: number): void {
    this.trimmer.applied(txId);
    if (this.pending === undefined || this.pending.recordTxId > txId) return;
    this.neededAfterTxId = this.pending.snapshotTxId;
    this.pending = undefined;
  }

  /** The state of all transactions up to `snapshotTxId` lies in record `recordTxId`; it counts once that is in the tables. */
  snapshotTaken(snapshotTxId: number, recordTxId: number): void {
    this.pending = { snapshotTxId, recordTxId };
    this.onApplied(this.store.tables.appliedTxId);
  }
}
