import type { EngineListener, EngineMaker, RunningEngine } from '@aep/cluster';
import { createEngine, type Engine, type EngineOptions } from '@aep/engine';
import { type AepError, toError } from '@aep/kernel';
import type { Store } from '@aep/store';
import type { MachineLife } from './machine.js';
import { observeStore } from './observed-store.js';
import type { WorldObserver } from './observer.js';

/** The engines of one simulated process, one for each of its lives as primary. */
export class MachineEngines implements EngineMaker {
  current: Engine | undefined;
  /** The end of which promise its member has heard of. */
  private told: 'nothing' | 'started' | 'stopped' = 'nothing';

  constructor(
    private readonly life: MachineLife,
    private readonly observer: WorldObserver,
    private readonly optionsOf: (life: MachineLife) => Omit<EngineOptions, 'store'>,
  ) {}

  start(store: Store, listener: EngineListener): RunningEngine {
    this.observer.onEngineStart?.(this.life, store);
    observeStore(store, this.life, this.observer);
    const engine = createEngine({ ...this.optionsOf(this.life), store: () => store });
    this.current = engine;
    this.told = 'nothing';
    let startFailure: AepError | undefined;
    engine.start().then(
      () => {
        this.told = 'started';
        if (engine.state === 'started') listener.onStarted();
      },
      (error: unknown) => (startFailure = toError(error) as AepError),
    );
    void engine.stopped.then(({ cause }) => {
      this.told = 'stopped';
      listener.onEnded(cause ?? startFailure);
    });
    return {
      drain: () => void engine.stop(),
      halt: (cause) => void engine.stop(cause),
    };
  }

  /** Promises of the engine are under way: it starts or stops, or has done so and nobody has been told yet. */
  get isBetween(): boolean {
    return this.current !== undefined && this.told !== 'stopped' && this.told !== this.current.state;
  }
}
