import type { EngineListener, EngineMaker, ReplayPort, RunningEngine } from '@aep/cluster';
import { type Engine, Standby } from '@aep/engine';
import { PrimaryLife } from '@aep/engine/internal';
import type { AepError, Log } from '@aep/kernel';
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
    const { drainMs, isEnding, log } = this.options;
    return new PrimaryLife(this.standby.next, {
      drainMs,
      onStarted: () => listener.onStarted(),
      onStartFailed: (error) => log.log('warn', 'the app did not start as primary', {}, error),
      onEnded: (cause) => {
        listener.onEnded(cause);
        if (!isEnding()) this.standby.renew();
      },
    });
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
