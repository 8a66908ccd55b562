import type { EngineListener, EngineMaker, ReplayPort, RunningEngine } from '@aep/cluster';
import { type Engine, Standby } from '@aep/engine';
import { type AepError, type Log, toError } from '@aep/kernel';
import type { Store } from '@aep/store';

/** Makes an engine that opens its store by calling `store`; loads the application anew, so that no life sees another's fields. */
export type MakeEngine = (store: () => Store) => Promise<Engine>;

export interface GroupEnginesOptions {
  readonly make: MakeEngine;
  /** The engine of the first life: it was made when the process was put together. */
  readonly first: (store: () => Store) => Engine;
  /** Throws what keeps this member from being the primary; asked before each life. */
  readonly mayLead: () => AepError | undefined;
  /** No other life will follow. */
  readonly isEnding: () => boolean;
  readonly log: Log;
  /** How long an orderly end may take. */
  readonly drainMs: () => number;
}

/**
 * The engines of one member: one for each of its lives as primary (H20). The next one is there before it is needed; that of
 * an event-sourced application follows the primary until then (H11).
 */
export class GroupEngines implements EngineMaker {
  /** The one that runs, or will. */
  current: Engine;
  private store: Store | undefined;
  private readonly standby: Standby;
  private readonly isEventSourced: boolean;

  constructor(private readonly options: GroupEnginesOptions) {
    this.current = options.first(() => this.storeOfLife());
    this.isEventSourced = this.current.app.stateCodec !== undefined;
    this.standby = new Standby(Promise.resolve(this.current), () => this.makeNext());
  }

  /** What the member does with records while it is a backup; undefined: nothing but folding them. */
  get replay(): ReplayPort | undefined {
    return this.isEventSourced ? this.standby : undefined;
  }

  start(store: Store, listener: EngineListener): RunningEngine {
    const refusal = this.options.mayLead();
    if (refusal !== undefined) {
      listener.onEnded(refusal);
      return { drain: () => undefined, halt: () => undefined };
    }
    this.store = store;
    const life = new EngineLife(this.standby.next, listener, this.options);
    void life.ended.then(() => {
      if (!this.options.isEnding()) this.standby.renew();
    });
    return life;
  }

  /** The member has stopped: an engine that was waiting ends. */
  close(): Promise<void> {
    return this.standby.retire();
  }

  private makeNext(): Promise<Engine> {
    const next = this.options.make(() => this.storeOfLife());
    next.then(
      (engine) => (this.current = engine),
      (error: unknown) =>
        this.options.log.log('error', 'the app cannot be loaded for another life as primary', {}, error),
    );
    return next;
  }

  private storeOfLife(): Store {
    return this.store!;
  }
}

/** From the moment that a member became the primary to the one when its engine has ended. */
class EngineLife implements RunningEngine {
  readonly ended: Promise<void>;
  private engine: Engine | undefined;
  private isEnding = false;
  private cause: AepError | undefined;

  constructor(
    next: Promise<Engine>,
    private readonly listener: EngineListener,
    private readonly options: GroupEnginesOptions,
  ) {
    this.ended = this.run(next);
  }

  drain(): void {
    this.end(undefined, this.options.drainMs());
  }

  halt(cause: AepError): void {
    this.end(cause, HALT_MS);
  }

  private end(cause: AepError | undefined, deadlineMs: number): void {
    this.isEnding = true;
    this.cause ??= cause;
    void this.engine?.stop(cause, deadlineMs);
  }

  private async run(next: Promise<Engine>): Promise<void> {
    let cause: AepError | undefined;
    try {
      const engine = await next;
      this.engine = engine;
      if (this.isEnding) void engine.stop(this.cause, HALT_MS);
      engine.start().then(
        () => {
          if (!this.isEnding) this.listener.onStarted();
        },
        (error: unknown) => this.options.log.log('warn', 'the app did not start as primary', {}, error),
      );
      cause = (await engine.stopped).cause;
    } catch (thrown) {
      cause = toError(thrown) as AepError;
    }
    this.listener.onEnded(cause);
  }
}

/** Nothing may be released or acknowledged any more, so there is nothing to wait for but mains of the application. */
const HALT_MS = 1_000;
