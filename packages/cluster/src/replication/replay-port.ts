import type { AepError } from '@aep/kernel';
import type { RecordRun, Store } from '@aep/store';

/**
 * What a backup does with records that are stable in its group, beside folding them into its tables (H11): an event-sourced
 * application runs its handlers on them and compares. A record that may still be cut never comes here.
 *
 * A throw is fatal for the member, as a table that cannot be written is.
 */
export interface ReplayPort {
  /** Begins with a store: its tables hold everything up to `afterTxId`, the records behind it follow. */
  begin(store: Store, afterTxId: number, listener: ReplayListener): void;
  /** In order, each once; the bytes never change. */
  records(run: RecordRun): void;
  /**
   * It has as much to do as it may. Until `onRoom` it is given nothing, and the tables, which never are ahead of what it was
   * given, wait with it; nothing is trimmed, so it may read the journal. Acknowledgements do not wait.
   */
  readonly isBehind: boolean;
  /** Nothing more comes of this store: the member becomes primary, stops, or has its store made anew. */
  end(): void;
  status(): ReplayStatus;
}

export interface ReplayListener {
  /** It was behind, and is not any more. */
  onRoom(): void;
  /** What it did is not what the primary did, or could not be done: an alert that names the first difference. */
  onProblem(problem: AepError): void;
  /** Fatal for the member. */
  onFailure(error: AepError): void;
}

export interface ReplayStatus {
  /** `following`, or why it does not. */
  readonly phase: string;
  /** The last transaction that was replayed. */
  readonly txId: number;
  readonly problems: number;
  readonly firstProblem: string | undefined;
}
