import type { Clock } from '@aep/kernel';

export interface CatchUpPaceParts {
  readonly clock: Clock;
  /** Of the primary. */
  readonly journal: { readonly lastTxId: number };
  /** While the primary works. */
  readonly bytesPerSecond: number;
}

/**
 * How fast a member that joins is sent what it lacks (H12): as fast as it takes it while the primary has nothing else to do, and so
 * many bytes a second while the primary works. Whoever waits for the primary then does not wait for the cores, the disk and the
 * network that the copying would take; and where both members are on one machine, it takes them twice.
 *
 * ```
 * no record for a moment ─────────────────────────> full speed
 * records come in ── sent: two for each of them ──> paced
 *                 └─ fewer ───────────────────────> full speed
 * ```
 * The second line is why it always gets there, whatever comes in meanwhile: at its pace it comes nearer by one record for each new
 * one, and where the pace does not allow that, there is none.
 */
export class CatchUpPace {
  private readonly bytesPerMs: number;
  private lastTxId: number;
  /** As long as nothing else is known, the primary is at work. */
  private movedAtMs: number;
  /** Sent beyond two for each new record. */
  private ahead = 0;
  /** When all that was sent would have been sent evenly. */
  private dueMs = -Infinity;

  constructor(private readonly parts: CatchUpPaceParts) {
    this.bytesPerMs = parts.bytesPerSecond / 1000;
    this.lastTxId = parts.journal.lastTxId;
    this.movedAtMs = parts.clock.monotonicMs();
  }

  /** So much was sent just now. Answers {@link pauseMs}. */
  sent(items: number, bytes: number): number {
    this.ahead += items;
    this.dueMs = Math.max(this.dueMs, this.parts.clock.monotonicMs() - LATE_MS_MAX) + bytes / this.bytesPerMs;
    return this.pauseMs();
  }

  /** Milliseconds until more may go, or until it is time to ask again; 0: now. */
  pauseMs(): number {
    const { clock, journal } = this.parts;
    const nowMs = clock.monotonicMs();
    const added = journal.lastTxId - this.lastTxId;
    this.lastTxId = journal.lastTxId;
    if (added > 0) this.movedAtMs = nowMs;
    this.ahead -= 2 * added;
    if (nowMs - this.movedAtMs > AT_WORK_MS || this.ahead < 0) this.dueMs = nowMs;
    const pauseMs = this.dueMs - nowMs;
    // What a timer cannot measure is added to the next pause.
    return pauseMs < PAUSE_MS_MIN ? 0 : Math.min(pauseMs, PAUSE_MS_MAX);
  }
}

/** A primary that has taken a record in so long is at work. */
const AT_WORK_MS = 100;
/** Timers that came late are made good, without sending much at once. */
const LATE_MS_MAX = 10;
const PAUSE_MS_MIN = 1;
/** What the pause depends on may have changed. */
const PAUSE_MS_MAX = 50;
