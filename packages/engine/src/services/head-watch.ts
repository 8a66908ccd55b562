import type { Clock, TimerHandle } from '@aep/kernel';
import type { InFlight } from '../transaction/in-flight.js';

/**
 * Looks now and then whether the oldest transaction in flight moves on, and reports once when it does not: the journal or
 * a bus has not answered for longer than the threshold (E7, S3). Runs only while something is in flight.
 */
export class HeadWatch {
  private timer: TimerHandle | undefined;
  private seenTxId = 0;
  private seenSinceMs = 0;
  private reportedTxId = 0;

  constructor(
    private readonly clock: Clock,
    private readonly inFlight: InFlight,
    private readonly thresholdMs: number,
    private readonly onStuck: (what: string, waitedMs: number) => void,
  ) {}

  /** Called at the end of each turn. */
  arm(): void {
    if (this.timer !== undefined || this.inFlight.size === 0) return;
    this.timer = this.clock.schedule(this.thresholdMs, () => this.look());
  }

  stop(): void {
    if (this.timer !== undefined) this.clock.cancel(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    this.timer = undefined;
    const { head } = this.inFlight;
    if (head === undefined) return;
    const nowMs = this.clock.monotonicMs();
    if (head.txId !== this.seenTxId) {
      this.seenTxId = head.txId;
      this.seenSinceMs = nowMs;
    } else if (head.txId !== this.reportedTxId && !head.isHeldByToken) {
      this.reportedTxId = head.txId;
      this.onStuck(this.inFlight.describeHead()!, nowMs - this.seenSinceMs);
    }
    this.arm();
  }
}
