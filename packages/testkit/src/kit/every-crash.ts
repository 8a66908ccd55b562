import { AepError, toError } from '@aep/kernel';
import type { CrashOutcome } from '@aep/store';
import type { PlannedCrash } from './crash-plan.js';

/** What can be made to crash: a `TestKit` or a `TestWorld`. */
export interface Crashable {
  planCrash(callback: number, outcome: CrashOutcome): PlannedCrash;
  close(): Promise<void>;
}

export interface EveryCrashOptions {
  /** What becomes of what the store was writing; each moment is tried with each. @default ['lost', 'kept'] */
  readonly outcomes?: readonly CrashOutcome[];
  /** Moments that are tried; a scenario with more is an error. @default 2000 */
  readonly momentsMax?: number;
}

/**
 * Runs a scenario again and again, each time with a crash and a restart at another moment: before its first callback, before
 * its second one, and so on until one runs to its end without. What the scenario checks must hold every time: this is
 * what exactly once means. Answers how many moments there were.
 *
 * What is only in the process is lost with it: events that were injected and commands are not repeated by anybody.
 *
 * @throws AEP_TEST_CRASH_MOMENT telling the moment, with the scenario's error as its cause
 * @example
 * await everyCrash(() => testApp(OrderProcessor, options), async (kit) => {
 *   await kit.when('orders', newOrder('A', 2));
 *   kit.thenSent('events', [{ fields: { total: 2n } }]).thenState((book) => book.lines === 1);
 * });
 */
export async function everyCrash<K extends Crashable>(
  open: () => Promise<K>,
  scenario: (kit: K) => Promise<void> | void,
  options: EveryCrashOptions = {},
): Promise<number> {
  const { outcomes = ['lost', 'kept'], momentsMax = 2_000 } = options;
  let moments = 0;
  for (const outcome of outcomes) {
    for (let callback = 0; ; callback++) {
      if (callback >= momentsMax) throw tooLong(momentsMax);
      if (!(await runOnce(open, scenario, callback, outcome))) break;
      moments++;
    }
  }
  return moments;
}

/** Answers whether the crash happened. */
async function runOnce<K extends Crashable>(
  open: () => Promise<K>,
  scenario: (kit: K) => Promise<void> | void,
  callback: number,
  outcome: CrashOutcome,
): Promise<boolean> {
  const kit = await open();
  const plan = kit.planCrash(callback, outcome);
  try {
    await scenario(kit);
    await kit.close();
  } catch (thrown) {
    await kit.close().catch(() => undefined);
    if (!plan.hasHappened) throw thrown;
    throw new AepError(
      'AEP_TEST_CRASH_MOMENT',
      'reject',
      `the scenario fails when the process dies before callback ${callback} (what it was writing is ${outcome}): ${toError(thrown).message}`,
      { callback, outcome },
      thrown,
    );
  }
  return plan.hasHappened;
}

function tooLong(momentsMax: number): AepError {
  return new AepError(
    'AEP_TEST_CRASH_MOMENT',
    'reject',
    `the scenario has more than ${momentsMax} moments (momentsMax): shorten it, or raise the limit`,
    { momentsMax },
  );
}
