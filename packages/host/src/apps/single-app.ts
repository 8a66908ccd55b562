import type { Engine, StopReport } from '@aep/engine';
import type { AepError } from '@aep/kernel';
import { verifyReplayOf } from '../verify-replay.js';
import type { AppUnit } from './app-unit.js';

/** An app that one process runs: its engine has the store to itself. */
export class SingleApp implements AppUnit {
  readonly group = undefined;

  constructor(
    readonly engine: Engine,
    readonly autoStart: boolean,
    private readonly verifyReplay: boolean,
  ) {}

  get name(): string {
    return this.engine.name;
  }

  get state(): string {
    return this.engine.state;
  }

  get role(): string {
    return this.engine.statistics().role;
  }

  get stopped(): Promise<StopReport> {
    return this.engine.stopped;
  }

  async start(): Promise<void> {
    await this.engine.start();
    if (this.verifyReplay) await verifyReplayOf(this.engine);
  }

  stop(cause: AepError | undefined, deadlineMs: number): Promise<StopReport> {
    return this.engine.stop(cause, deadlineMs);
  }
}
