import type { Clock } from '@aep/kernel';

/**
 * Waits for a moment in which the event loop brings nothing more. What arrived while a blocking commit held the loop needs a
 * turn at its source, one at its bus and one in the engine. A commit in the first of these turns would take little with it
 * and hold up the others:
 *
 * ```
 * at once   | commit ##### | source | commit ##### | bus | commit ##### | engine | commit ##### |   four commits a message
 * in a lull | commit ##### | source | bus | engine | ... | commit ##### |                           one and a half
 * ```
 */
export class Lull {
  private isAwaited = false;
  private turns = 0;
  private quietTurns = 0;
  private seen = 0;

  constructor(
    private readonly clock: Clock,
    private readonly options: {
      /** Anything that is another number when something has come. */
      readonly progress: () => number;
      readonly onLull: () => void;
    },
  ) {}

  /**
   * Calls back once, in a turn of its own: when {@link QUIET_TURNS} turns in a row have brought nothing, at the latest after
   * {@link TURNS_MAX}. Does nothing while a lull is awaited already.
   */
  await(): void {
    if (this.isAwaited) return;
    this.isAwaited = true;
    this.turns = 0;
    this.quietTurns = 0;
    this.seen = this.options.progress();
    this.clock.defer(this.look);
  }

  private readonly look = (): void => {
    const progress = this.options.progress();
    this.turns++;
    this.quietTurns = progress === this.seen ? this.quietTurns + 1 : 0;
    this.seen = progress;
    if (this.quietTurns < QUIET_TURNS && this.turns < TURNS_MAX) return this.clock.defer(this.look);
    this.isAwaited = false;
    this.options.onLull();
  };
}

/** An idle turn takes some microseconds, a commit hundreds. */
const QUIET_TURNS = 2;
const TURNS_MAX = 8;
