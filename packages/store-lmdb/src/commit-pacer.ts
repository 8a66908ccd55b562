import type { Clock } from '@aep/kernel';
import type { CommitMode } from './lmdb-store-options.js';

/**
 * Chooses per commit between the blocking and the asynchronous way (S8). A blocking commit has the lowest latency on a
 * fast disk, but nothing else runs meanwhile; so mode auto takes it only for batches of a few records (a loaded journal
 * forms larger ones, and then the disk should work beside the loop) and only while blocking commits have been short.
 * After a slow phase the asynchronous way is taken for a while before another trial.
 */
export class CommitPacer {
  private averageMs: number;
  private trialAtMs = 0;

  /** @param maxMs moving average of blocking commits above which they are given up for a while */
  constructor(
    readonly mode: CommitMode,
    private readonly maxMs: number,
    private readonly clock: Clock,
  ) {
    this.averageMs = maxMs;
  }

  isSync(recordCount: number): boolean {
    if (this.mode !== 'auto') return this.mode === 'sync';
    if (recordCount > SYNC_RECORDS_MAX) return false;
    return this.trialAtMs === 0 || this.clock.monotonicMs() >= this.trialAtMs;
  }

  /** What a blocking commit took. */
  measured(elapsedMs: number): void {
    // Clamped, so that one hiccup of the disk does not count as a slow phase: it takes several in a row.
    const sample = Math.min(elapsedMs, 4 * this.maxMs);
    this.averageMs += (sample - this.averageMs) / 16;
    if (this.averageMs <= this.maxMs * 1.25) return;
    this.trialAtMs = this.clock.monotonicMs() + TRIAL_PAUSE_MS;
    // The next trials decide anew instead of averaging with an old slow phase.
    this.averageMs = this.maxMs;
  }

  get averageSyncMs(): number {
    return Math.round(this.averageMs * 1_000) / 1_000;
  }
}

/** Larger batches mean load. */
const SYNC_RECORDS_MAX = 4;
/** A trial on a slow disk holds the loop for a few syncs; every 15 s that is not felt. */
const TRIAL_PAUSE_MS = 15_000;
