import { AepError, VirtualClock } from '@aep/kernel';

/** Rounds in a row without anything to do after which nothing can happen without time passing. */
const QUIET_ROUNDS = 2;
const ROUNDS_MAX = 100_000;
const STEPS_MAX = 1_000_000;
/** Callbacks between two looks at promises: what a callback resolved is seen before the next one of another turn. */
const STEPS_PER_ROUND = 1;

/**
 * The virtual time of a test world, and how it passes: callbacks one by one, with the continuations of promises in
 * between, so a run with async handlers is a function of its inputs too.
 */
export class TestTime {
  readonly clock: VirtualClock;
  /** Called before each callback; answers true to go no further (a crash between two callbacks). */
  interrupt: (() => boolean) | undefined;

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

  /** As {@link settle}, but moves the time as far as it takes (at most `withinMs`) until the promise is settled. @throws AEP_TEST_NEVER_SETTLES */
  async until<T>(promise: Promise<T>, what: string, withinMs = 600_000): Promise<T> {
    let isSettled = false;
    const settled = (): void => void (isSettled = true);
    promise.then(settled, settled);
    const endMs = this.clock.monotonicMs() + withinMs;
    for (let steps = 0; ; steps++) {
      await turn();
      if (isSettled) return promise;
      if (this.clock.nextDueMs <= endMs && steps < STEPS_MAX) this.clock.runNext();
      else {
        await turn();
        // oxlint-disable-next-line typescript/no-unnecessary-condition -- set by the callbacks above
        if (!isSettled && this.clock.nextDueMs > endMs) throw neverSettles(`${what} did not end within ${withinMs} ms`);
      }
    }
  }

  private async runUntil(endMs: number): Promise<void> {
    let quiet = 0;
    for (let round = 0, steps = 0; quiet < QUIET_ROUNDS; round++) {
      await turn();
      let ran = 0;
      while (ran < STEPS_PER_ROUND && this.clock.nextDueMs <= endMs) {
        if (this.interrupt?.() === true) return;
        this.clock.runNext();
        ran++;
      }
      steps += ran;
      quiet = ran === 0 ? quiet + 1 : 0;
      if (round > ROUNDS_MAX * STEPS_PER_ROUND || steps > STEPS_MAX)
        throw neverSettles(`${steps} callbacks ran and there are always more due at ${this.clock.monotonicMs()} ms`);
    }
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
