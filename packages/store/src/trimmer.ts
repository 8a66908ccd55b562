import type { Clock, Facts, TimerHandle } from '@aep/kernel';
import type { Journal } from './journal.js';
import { within } from './journal-options.js';
import type { ReaderRegistry } from './reader-registry.js';
import { RecordReader } from './record-reader.js';

/** How long records are kept although nobody needs them (E104): both must be past. */
export interface JournalRetention {
  /** The newest records that stay. @default 1000000 */
  readonly count?: number;
  /** Age up to which records stay. @default 0 ms */
  readonly ageMs?: number;
}

export interface TrimmerOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly readers: ReaderRegistry;
  readonly retention?: JournalRetention;
  /** Pause between two looks. @default 1000 ms */
  readonly intervalMs?: number;
  /** How far the other members are (replicated journal); what they lack stays. @default everything */
  readonly replicatedTxId?: () => number;
}

/**
 * Gives up journal records that are applied to the tables, confirmed by their buses, read by all registered readers,
 * replicated, and past the retention (E104). Looks now and then and asks the journal to trim; the journal does it in
 * small steps beside its commits.
 */
export class Trimmer {
  private appliedTxId = 0;
  private timer: TimerHandle | undefined;
  private isStopped = false;
  private oldTxId = 0;
  private readonly keepCount: number;
  private readonly keepMs: number;
  private readonly intervalMs: number;

  constructor(private readonly options: TrimmerOptions) {
    this.keepCount = within(
      'journalRetention.count',
      options.retention?.count ?? 1_000_000,
      0,
      Number.MAX_SAFE_INTEGER,
    );
    this.keepMs = within('journalRetention.ageMs', options.retention?.ageMs ?? 0, 0, 1e13);
    this.intervalMs = within('intervalMs', options.intervalMs ?? 1_000, 1, 3_600_000);
  }

  start(): void {
    if (this.timer !== undefined || this.isStopped) return;
    this.timer = this.options.clock.schedule(this.intervalMs, () => {
      this.timer = undefined;
      this.trimNow();
      this.start();
    });
  }

  stop(): void {
    this.isStopped = true;
    if (this.timer !== undefined) this.options.clock.cancel(this.timer);
    this.timer = undefined;
  }

  /** From {@link CheckpointListener.onApplied}. */
  applied(txId: number): void {
    this.appliedTxId = txId;
  }

  /** Looks now instead of waiting for the timer. */
  trimNow(): void {
    const { journal } = this.options;
    let dispensable = Math.min(this.dispensableTxId(), journal.stableTxId - this.keepCount);
    if (this.keepMs > 0 && dispensable >= journal.firstTxId)
      dispensable = Math.min(dispensable, this.oldUpTo(dispensable));
    if (dispensable >= journal.firstTxId) journal.trim(dispensable + 1);
  }

  /** Nobody needs records up to here. The applied one itself stays: recovery continues its hash. */
  private dispensableTxId(): number {
    const { journal, readers, replicatedTxId } = this.options;
    const replicated = replicatedTxId === undefined ? Infinity : replicatedTxId();
    return Math.min(this.appliedTxId - 1, journal.confirmedTxId, readers.lowest, replicated);
  }

  /**
   * The last record that is older than the retention, found by looking at the first record of each run. Bounded per
   * look; a long journal is worked off in several.
   */
  private oldUpTo(limitTxId: number): number {
    const { journal, clock } = this.options;
    const oldestKeptMs = clock.wallMs() - this.keepMs;
    const reader = new RecordReader();
    let looked = 0;
    for (const run of journal.readRuns(Math.max(this.oldTxId + 1, journal.firstTxId))) {
      reader.openTrusted(run.bytes, run.start);
      if (reader.timeMs >= oldestKeptMs) break;
      // This run begins in the past; so all before it are past. The run itself may end in the present.
      this.oldTxId = run.firstTxId - 1;
      if (run.firstTxId > limitTxId || ++looked >= RUNS_LOOKED_AT_MAX) break;
    }
    return this.oldTxId;
  }

  trimFacts(): Facts {
    const lowest = this.options.readers.lowest;
    return { slowestReaderTxId: lowest === Infinity ? null : lowest, trimHeldBackAtTxId: this.dispensableTxId() };
  }
}

const RUNS_LOOKED_AT_MAX = 256;
