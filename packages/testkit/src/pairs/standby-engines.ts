import type { EngineListener, EngineMaker, RunningEngine } from '@aep/cluster';
import { createEngine, type Engine, type EngineOptions, Standby } from '@aep/engine';
import { type AepError, toError } from '@aep/kernel';
import type { Store } from '@aep/store';
import type { MachineLife } from './machine.js';
import { observeStore } from './observed-store.js';
import type { WorldObserver } from './observer.js';

/** The engines of one simulated process whose application is event-sourced: the next one follows until it is started (H11). */
export class StandbyEngines implements EngineMaker {
  /** The one that was started last. */
  current: Engine | undefined;
  /** The one that follows, or will. */
  following: Engine;
  readonly replay: Standby;
  private store: Store | undefined;

  constructor(
    private readonly life: MachineLife,
    private readonly observer: WorldObserver,
    private readonly optionsOf: (life: MachineLife) => Omit<EngineOptions, 'store'>,
  ) {
    this.following = this.make();
    this.replay = new Standby(Promise.resolve(this.following), () => {
      this.following = this.make();
      return Promise.resolve(this.following);
    });
  }

  /** Promises may be under way at any time: what a handler did that threw is undone by a replay, which lets others have their turn. */
  get isBetween(): boolean {
    return true;
  }

  start(store: Store, listener: EngineListener): RunningEngine {
    this.observer.onEngineStart?.(this.life, store);
    observeStore(store, this.life, this.observer);
    this.store = store;
    const started = new StartedEngine(this.replay.next, (engine) => (this.current = engine));
    void started.run(() => listener.onStarted());
    void started.ended.then((cause) => {
      listener.onEnded(cause);
      this.replay.renew();
    });
    return {
      drain: () => started.end(undefined),
      halt: (cause) => started.end(cause),
    };
  }

  private make(): Engine {
    return createEngine({ ...this.optionsOf(this.life), store: () => this.store! });
  }
}

class StartedEngine {
  readonly ended: Promise<AepError | undefined>;
  private engine: Engine | undefined;
  private isEnding = false;
  private cause: AepError | undefined;
  private settleEnded!: (cause: AepError | undefined) => void;

  constructor(
    private readonly next: Promise<Engine>,
    private readonly onEngine: (engine: Engine) => void,
  ) {
    this.ended = new Promise((resolve) => (this.settleEnded = resolve));
  }

  async run(onStarted: () => void): Promise<void> {
    try {
      const engine = (this.engine = await this.next);
      this.onEngine(engine);
      if (this.isEnding) void engine.stop(this.cause);
      let failure: AepError | undefined;
      engine.start().then(
        () => {
          if (!this.isEnding) onStarted();
        },
        (error: unknown) => (failure = toError(error) as AepError),
      );
      const { cause } = await engine.stopped;
      this.settleEnded(cause ?? failure);
    } catch (thrown) {
      this.settleEnded(toError(thrown) as AepError);
    }
  }

  end(cause: AepError | undefined): void {
    this.isEnding = true;
    this.cause ??= cause;
    void this.engine?.stop(cause);
  }
}
