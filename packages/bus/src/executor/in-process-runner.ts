import type { AepError, Clock } from '@aep/kernel';
import { encodeResult, type ExecutorTask, type TaskFunction } from './task.js';
import type { TaskOutcome, TaskRunner } from './task-runner.js';

/** Runs tasks in this thread: for tests, and for functions that only wait for others. A busy function blocks the engine. */
export class InProcessRunner implements TaskRunner {
  private generation = 0;

  constructor(
    private readonly task: TaskFunction,
    private readonly clock: Clock,
  ) {}

  start(done: (error: AepError | undefined) => void): void {
    this.clock.defer(() => done(undefined));
  }

  run(task: ExecutorTask, done: (outcome: TaskOutcome) => void): void {
    const { generation } = this;
    const finish = (outcome: TaskOutcome): void =>
      this.clock.defer(() => {
        if (generation === this.generation) done(outcome);
      });
    this.clock.defer(() => {
      try {
        const result = this.task(task);
        if (!(result instanceof Promise)) return finish({ kind: 'result', result: encodeResult(result) });
        result.then(encodeResult).then(
          (encoded) => finish({ kind: 'result', result: encoded }),
          (error: unknown) => finish(failed(error)),
        );
      } catch (error) {
        finish(failed(error));
      }
    });
  }

  stop(): void {
    this.generation++;
  }
}

function failed(error: unknown): TaskOutcome {
  return { kind: 'error', reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}
