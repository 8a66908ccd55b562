import { type AepError, toError } from '@aep/kernel';
import type { Engine } from '../engine.js';

export interface PrimaryLifeOptions {
  /** Messaging is open, and nobody has ended it meanwhile. */
  readonly onStarted: () => void;
  /** The engine has ended, or never was; once, and the last that is heard of it. */
  readonly onEnded: (cause: AepError | undefined) => void;
  /** It did not start; `onEnded` follows. @default nothing */
  readonly onStartFailed?: (error: unknown) => void;
  /** How long an orderly end may take. @default limits.stopDeadlineMs of the engine */
  readonly drainMs?: () => number;
}

/**
 * From the moment that a member became the primary to the one when its engine has ended (H20). It has the shape of the running
 * engine of `@aep/cluster`, of which the engine knows nothing.
 */
export class PrimaryLife {
  private engine: Engine | undefined;
  private isEnding = false;
  private cause: AepError | undefined;

  /** @param next the engine, once it can be started: {@link Standby.next} */
  constructor(
    next: Promise<Engine>,
    private readonly options: PrimaryLifeOptions,
  ) {
    void this.run(next);
  }

  /** Finishes what was accepted, then ends. */
  drain(): void {
    this.end(undefined, this.options.drainMs?.());
  }

  /** Ends without releasing or acknowledging anything more. */
  halt(cause: AepError): void {
    this.end(cause, HALT_MS);
  }

  private end(cause: AepError | undefined, deadlineMs: number | undefined): void {
    this.isEnding = true;
    this.cause ??= cause;
    void this.engine?.stop(cause, deadlineMs);
  }

  private async run(next: Promise<Engine>): Promise<void> {
    let cause: AepError | undefined;
    try {
      const engine = await next;
      this.engine = engine;
      // It has accepted nothing yet, so there is nothing to drain.
      if (this.isEnding) void engine.stop(this.cause, HALT_MS);
      engine.start().then(
        () => {
          if (!this.isEnding) this.options.onStarted();
        },
        (error: unknown) => this.options.onStartFailed?.(error),
      );
      cause = (await engine.stopped).cause;
    } catch (thrown) {
      cause = toError(thrown) as AepError;
    }
    this.options.onEnded(cause);
  }
}

/** Nothing may be released or acknowledged any more, so there is nothing to wait for but mains of the application. */
const HALT_MS = 1_000;
