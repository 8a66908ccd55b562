/**
 * When each message is due: message n at n / rate after the start, whatever happens. Latencies count from there, so a
 * system that stalls is charged for every message that came due meanwhile (no coordinated omission).
 */
export class Schedule {
  private startMs = 0;

  constructor(
    readonly perSecond: number,
    readonly count: number,
  ) {}

  start(): void {
    this.startMs = performance.now();
  }

  dueAtMs(index: number): number {
    return this.startMs + (index / this.perSecond) * 1000;
  }

  /** How many messages are due by now. */
  dueNow(): number {
    const due = Math.floor(((performance.now() - this.startMs) / 1000) * this.perSecond) + 1;
    return Math.min(due, this.count);
  }
}
