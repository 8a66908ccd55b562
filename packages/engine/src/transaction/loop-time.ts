import type { Clock } from '@aep/kernel';

/**
 * The monotonic time as of the last look. Reading a clock costs as much as handling a small event, so it is read once per
 * burst: when the first event of a burst arrives, when a turn begins, when the journal or a bus calls back.
 */
export class LoopTime {
  nowMs = 0;

  constructor(private readonly clock: Clock) {
    this.refresh();
  }

  refresh(): void {
    this.nowMs = this.clock.monotonicMs();
  }
}
