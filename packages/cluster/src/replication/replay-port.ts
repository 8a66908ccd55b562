import type { RecordRun, Store } from '@aep/store';

/**
 * What a backup does with records that are stable in its group, beside folding them into its tables (H11): an event-sourced
 * application runs its handlers on them and compares. A record that may still be cut never comes here.
 *
 * A throw is fatal for the member, as a table that cannot be written is.
 */
export interface ReplayPort {
  /** Begins with a store: its tables hold everything up to `afterTxId`, the records behind it follow. */
  begin(store: Store, afterTxId: number): void;
  /** In order, each once; the bytes never change. */
  records(run: RecordRun): void;
  /** Nothing more comes of this store: the member becomes primary, stops, or has its store made anew. */
  end(): void;
}
