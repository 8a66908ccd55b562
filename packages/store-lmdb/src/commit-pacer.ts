import type { Clock } from '@aep/kernel';
import type { CommitMode } from './lmdb-store-options.js';

/**
 * Chooses per commit between the blocking and the asynchronous way (S8). A blocking commit has the lowest latency on a
 * fast disk, but nothing else runs meanwhile; so mode auto takes it only for small batches (a loaded journal forms larger
 * ones, and then the disk should work beside the loop) and only on a disk that has shown that it is fast:
 *
 * ```
 * other thread --- enough short commits there, pause over ---> event loop
 *      ^                                                          |
 *      └----- enough long ones, each by its length; pause --------┘
 * ```
 *
 * The disk is judged by commits that the loop does not wait for, so a slow one never holds the loop, not even for a trial.
 */
export class CommitPacer {
  private credit = 0;
  private isBlocking = false;
  private pausedUntilMs = 0;
  private averageMs = 0;

  /** @param maxMs a blocking commit that takes longer counts against the blocking way */
  constructor(
    readonly mode: CommitMode,
    private readonly maxMs: number,
    private readonly clock: Clock,
  ) {}

  isSync(recordCount: number): boolean {
    if (this.mode !== 'auto') return this.mode === 'sync';
    return this.isBlocking && recordCount <= SYNC_RECORDS_MAX;
  }

  /** What a blocking commit took. */
  measured(elapsedMs: number): void {
    this.averageMs += (elapsedMs - this.averageMs) / 16;
    this.judge(elapsedMs, this.maxMs);
    if (this.credit > 0 || !this.isBlocking) return;
    this.isBlocking = false;
    this.pausedUntilMs = this.clock.monotonicMs() + PAUSE_MS;
  }

  /** What a commit on the other thread took, until the event loop knew of it. */
  measuredBehind(elapsedMs: number, recordCount: number): void {
    // The other batches belong to a busy loop, which gets round late to what has ended.
    if (recordCount > SYNC_RECORDS_MAX) return;
    // Two changes of thread are in it.
    this.judge(elapsedMs, 2 * this.maxMs);
    if (this.credit >= CREDIT_TO_BLOCK && this.clock.monotonicMs() >= this.pausedUntilMs) this.isBlocking = true;
  }

  /** Moving average of blocking commits. */
  get averageSyncMs(): number {
    return Math.round(this.averageMs * 1_000) / 1_000;
  }

  private judge(elapsedMs: number, maxMs: number): void {
    const gain = elapsedMs <= maxMs ? 1 : -Math.min(HICCUP_COST_MAX, elapsedMs / maxMs);
    this.credit = Math.max(0, Math.min(CREDIT_MAX, this.credit + gain));
  }
}

/**
 * Larger batches mean load: the loop has so much to do meanwhile that waiting for the disk costs more than the change of
 * thread (BENCHMARKS.md has the figures).
 */
const SYNC_RECORDS_MAX = 8;
/** A short commit earns one, a long one costs its length in limits, at most {@link HICCUP_COST_MAX}. */
const CREDIT_MAX = 32;
/** That many short commits in a row win the blocking way; nothing left loses it. */
const CREDIT_TO_BLOCK = 16;
/** One hiccup is not a slow phase, however long it was: it takes some in a row. */
const HICCUP_COST_MAX = 8;
/** After a slow phase: a disk whose syncs are long now and then does not get the loop again at once. */
const PAUSE_MS = 1_000;
