import { AepError, type Clock, type Facts, toError, type TimerHandle } from '@aep/kernel';
import type { JournalReader } from './journal.js';
import { RecordReader } from './record-reader.js';

export interface ScrubOptions {
  /** Pause between two steps; a step reads and checks one run of records (some hundred kilobytes). */
  readonly intervalMs: number;
  /** A record does not read back as it was written: the member is done for (S5, H22). Called once. */
  readonly onDamage: (error: AepError) => void;
}

/**
 * Re-reads old records in the background, a run at a time from the oldest to the newest and again, so that damage is
 * found while another member still has a good copy, and not on the day when the record is needed (S5).
 */
export class Scrubber {
  private nextTxId = 0;
  private timer: TimerHandle | undefined;
  private isStopped = false;
  private recordsChecked = 0;
  private rounds = 0;
  private readonly reader = new RecordReader();

  constructor(
    private readonly journal: JournalReader,
    private readonly clock: Clock,
    private readonly options: ScrubOptions,
  ) {}

  start(): void {
    if (this.timer === undefined && !this.isStopped) this.arm();
  }

  stop(): void {
    this.isStopped = true;
    if (this.timer !== undefined) this.clock.cancel(this.timer);
    this.timer = undefined;
  }

  scrubFacts(): Facts {
    return { scrubbedRecords: this.recordsChecked, scrubRounds: this.rounds, scrubNextTxId: this.nextTxId };
  }

  private arm(): void {
    this.timer = this.clock.schedule(this.options.intervalMs, () => {
      this.timer = undefined;
      if (this.step()) this.arm();
    });
  }

  private step(): boolean {
    const { journal } = this;
    if (this.nextTxId < journal.firstTxId) this.nextTxId = journal.firstTxId;
    if (this.nextTxId > journal.stableTxId) {
      this.nextTxId = journal.firstTxId;
      this.rounds++;
      return true;
    }
    try {
      this.checkRun();
      return true;
    } catch (thrown) {
      // Trimming may overtake a step; that is no damage.
      if (thrown instanceof AepError && thrown.code === 'AEP_JOURNAL_TRIMMED') return true;
      this.isStopped = true;
      this.options.onDamage(thrown instanceof AepError ? thrown : unreadable(this.nextTxId, thrown));
      return false;
    }
  }

  private checkRun(): void {
    const { reader } = this;
    for (const run of this.journal.readRuns(this.nextTxId)) {
      const previous = { low: 0, high: 0 };
      for (let at = run.start; at < run.end;) {
        const isFirst = at === run.start;
        at = reader.open(run.bytes, at, run.end);
        if (isFirst) checkNumber(reader, this.nextTxId);
        else reader.checkFollows(this.nextTxId - 1, previous);
        previous.low = reader.hash.low;
        previous.high = reader.hash.high;
        this.nextTxId++;
        this.recordsChecked++;
      }
      return;
    }
  }
}

function checkNumber(reader: RecordReader, expected: number): void {
  if (reader.txId !== expected) reader.checkFollows(expected - 1, reader.previousHash);
}

function unreadable(txId: number, thrown: unknown): AepError {
  return new AepError(
    'AEP_RECORD_CORRUPT',
    'fatal',
    `record ${txId} cannot be read: ${toError(thrown).message}; take the store from another member or a backup`,
    { txId },
    thrown,
  );
}
