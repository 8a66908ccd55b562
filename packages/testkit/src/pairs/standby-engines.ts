import type { EngineListener, EngineMaker, RunningEngine } from '@aep/cluster';
import { createEngine, type Engine, type EngineOptions, Standby } from '@aep/engine';
import { PrimaryLife } from '@aep/engine/internal';
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
    const { next } = this.replay;
    next.then(
      (engine) => (this.current = engine),
      () => undefined, // told by `onEnded`
    );
    return new PrimaryLife(next, {
      onStarted: () => listener.onStarted(),
      onEnded: (cause) => {
        listener.onEnded(cause);
        this.replay.renew();
      },
    });
  }

  private make(): Engine {
    return createEngine({ ...this.optionsOf(this.life), store: () => this.store! });
  }
}
