import type { EngineListener, EngineMaker, RunningEngine } from '@aep/cluster';
import { createEngine, defineApp, type Engine } from '@aep/engine';
import type { AepError, Clock, Log, Random } from '@aep/kernel';
import { toError } from '@aep/kernel';
import type { Store } from '@aep/store';
import { Tally, TallyFactory, Vote } from './gen/tally.js';

export interface AepEnginesParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The shipped engine on whatever store the member gives it. */
export class AepEngines implements EngineMaker {
  current: Engine<Tally> | undefined;
  hasStarted = false;

  constructor(private readonly parts: AepEnginesParts) {}

  start(store: Store, listener: EngineListener): RunningEngine {
    const { clock, random, log } = this.parts;
    const app = defineApp({ name: 'tally', state: Tally, factories: [TallyFactory] }).on(Vote, (vote, { state }) => {
      state.candidates.getOrCreate(vote.candidate).votes++;
      state.votes++;
    });
    const engine = createEngine<Tally>({ name: 'app', app, clock, random, log, store: () => store });
    this.current = engine;
    this.hasStarted = false;
    engine.start().then(
      () => {
        this.hasStarted = true;
        listener.onStarted();
      },
      () => undefined, // told by `stopped`, too
    );
    engine.stopped.then(
      ({ cause }) => listener.onEnded(cause),
      (error: unknown) => listener.onEnded(toError(error) as AepError),
    );
    return {
      drain: () => void engine.stop(),
      halt: (cause) => void engine.stop(cause),
    };
  }
}

export function vote(candidate: string, number: number): Vote {
  const message = Vote.create();
  message.candidate = candidate;
  message.number = number;
  return message;
}
