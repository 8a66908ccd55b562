import { AepError, VirtualClock } from '@aep/kernel';

/** Rounds in a row without anything to do after which nothing can happen without time passing. */
const QUIET_ROUNDS = 2;
/** Callbacks at one moment of virtual time (some ten per hundred messages); more will never come to an end. */
const CALLBACKS_MAX = 50_000;

/**
 * The virtual time of a test world, and how it passes: callbacks one by one, with the continuations of promises in
 * between, so a run with async handlers is a function of its inputs too.
 */
export class TestTime {
  readonly clock: VirtualClock;
  /** Called before each callback of a step: the place where a test lets a process die. */
  beforeCallback: (() => Promise<void> | undefined) | undefined;
  private momentMs = 0;
  private callbacksOfMoment = 0;

  constructor(wallStartMs?: number) {
    this.clock = new VirtualClock(wallStartMs);
  }

  /** Runs what is due now until nothing is left, promises included. Time stands still. @throws AEP_TEST_NEVER_SETTLES */
  settle(): Promise<void> {
    return this.runUntil(this.clock.monotonicMs());
  }

  /** Lets `durationMs` pass, and settles after each moment in which something happened. @throws AEP_TEST_NEVER_SETTLES */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + durationMs;
    await this.runUntil(endMs);
    this.clock.advance(Math.max(0, endMs - this.clock.monotonicMs()));
    await this.settle();
  }

  /** Runs a number of callbacks that are due now, or all when there are fewer, and stops in the middle of things. */
  async step(callbacks: number): Promise<void> {
    for (let left = callbacks; left > 0; left--) {
      await turn();
      if (this.clock.nextDueMs > this.clock.monotonicMs()) return;
      this.runNext();
    }
    await turn();
  }

  /** As {@link settle}, but moves the time as far as it takes (at most `withinMs`) until the promise is settled. @throws AEP_TEST_NEVER_SETTLES */
  async until<T>(promise: Promise<T>, what: string, withinMs = 600_000): Promise<T> {
    let isSettled = false as boolean;
    const settled = (): void => void (isSettled = true);
    promise.then(settled, settled);
    const endMs = this.clock.monotonicMs() + withinMs;
    for (;;) {
      await turn();
      if (isSettled) return promise;
      if (this.clock.nextDueMs <= endMs) {
        this.runNext();
        continue;
      }
      await turn();
      if (!isSettled && this.clock.nextDueMs > endMs) throw neverSettles(`${what} did not end within ${withinMs} ms`);
    }
  }

  private async runUntil(endMs: number): Promise<void> {
    for (let quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
      await turn();
      if (this.clock.nextDueMs > endMs) continue;
      await this.beforeCallback?.();
      if (this.clock.nextDueMs <= endMs) this.runNext();
      quiet = -1;
    }
  }

  private runNext(): void {
    this.clock.runNext();
    const nowMs = this.clock.monotonicMs();
    if (nowMs !== this.momentMs) this.callbacksOfMoment = 0;
    this.momentMs = nowMs;
    if (++this.callbacksOfMoment <= CALLBACKS_MAX) return;
    this.callbacksOfMoment = 0;
    throw neverSettles(`${CALLBACKS_MAX} callbacks ran at ${nowMs} ms and there are always more`);
  }
}

/** One turn of the event loop: every continuation of a promise that can run has run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function neverSettles(what: string): AepError {
  return new AepError(
    'AEP_TEST_NEVER_SETTLES',
    'reject',
    `the virtual time does not settle: ${what}. Does something send itself messages without end, or wait for real time?`,
  );
}
