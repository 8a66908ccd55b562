import type { EngineListener, EngineMaker, RunningEngine } from '@aep/cluster';
import { createEngine, type Engine, type EngineOptions } from '@aep/engine';
import { type AepError, toError } from '@aep/kernel';
import type { Store } from '@aep/store';
import type { MachineLife } from './machine.js';
import { observedStore } from './observed-store.js';
import type { WorldObserver } from './observer.js';

/** The engines of one simulated process, one for each of its lives as primary. */
export class MachineEngines implements EngineMaker {
  current: Engine | undefined;

  constructor(
    private readonly life: MachineLife,
    private readonly observer: WorldObserver,
    private readonly optionsOf: (life: MachineLife) => Omit<EngineOptions, 'store'>,
  ) {}

  start(store: Store, listener: EngineListener): RunningEngine {
    this.observer.onEngineStart?.(this.life, store);
    const observed = observedStore(store, this.life, this.observer);
    const engine = createEngine({ ...this.optionsOf(this.life), store: () => observed });
    this.current = engine;
    let startFailure: AepError | undefined;
    engine.start().then(
      () => {
        if (engine.state === 'started') listener.onStarted();
      },
      (error: unknown) => (startFailure = toError(error) as AepError),
    );
    void engine.stopped.then(({ cause }) => listener.onEnded(cause ?? startFailure));
    return {
      drain: () => void engine.stop(),
      halt: (cause) => void engine.stop(cause),
    };
  }

  /** Promises of the engine are under way: it starts or stops. */
  get isBetween(): boolean {
    const state = this.current?.state;
    return state !== undefined && state !== 'started' && state !== 'stopped';
  }
}
