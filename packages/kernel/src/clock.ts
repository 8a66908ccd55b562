/** A scheduled callback; pass it to {@link Clock.cancel}. */
export interface TimerHandle {
  readonly timer: unknown;
}

/**
 * Time, passed in by constructor (never read from globals), so that a simulator can own it.
 * Deadlines and intervals use the monotonic time; the wall time is for people and for due dates of timers.
 */
export interface Clock {
  /** Wall time in whole milliseconds since 1970 (UTC). May jump in both directions. */
  wallMs(): number;
  /** Monotonic time in milliseconds with a fraction; the zero point means nothing. */
  monotonicMs(): number;
  /** Calls back once after `delayMs` of monotonic time (0 or more; fractions are allowed). */
  schedule(delayMs: number, callback: () => void): TimerHandle;
  /** A cancelled or fired handle is ignored. */
  cancel(handle: TimerHandle): void;
  /** Calls back after the current turn, once I/O had its chance; callbacks keep their order. */
  defer(callback: () => void): void;
}

/** The clock of the process. Its timers do not keep the process alive: what must be awaited is awaited by its owner. */
export class SystemClock implements Clock {
  wallMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  schedule(delayMs: number, callback: () => void): TimerHandle {
    // setTimeout fires at once for delays past 2^31 - 1 ms (24.8 days), so a long delay is walked in steps.
    const handle: SystemTimer = { timer: undefined };
    const dueMs = performance.now() + delayMs;
    const arm = (): void => {
      const leftMs = dueMs - performance.now();
      const timer =
        leftMs > LONGEST_TIMEOUT_MS ? setTimeout(arm, LONGEST_TIMEOUT_MS) : setTimeout(callback, Math.max(0, leftMs));
      timer.unref();
      handle.timer = timer;
    };
    arm();
    return handle;
  }

  cancel(handle: TimerHandle): void {
    clearTimeout((handle as SystemTimer).timer);
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }
}

const LONGEST_TIMEOUT_MS = 2_147_483_647;

interface SystemTimer extends TimerHandle {
  timer: NodeJS.Timeout | undefined;
}
