import { AepError, type Clock } from '@aep/kernel';
import type { ExecutorOptions } from './executor-options.js';
import type { ExecutorTask } from './task.js';
import type { TaskOutcome, TaskRunner, TaskRunnerFactory } from './task-runner.js';

/** The runners of one module. */
export class RunnerPool {
  private readonly idle: TaskRunner[] = [];
  private readonly all = new Set<TaskRunner>();

  constructor(
    private readonly moduleReference: string,
    private readonly options: ExecutorOptions,
    private readonly makeRunner: TaskRunnerFactory,
    private readonly clock: Clock,
  ) {}

  /** Loads the module once, so that a mistake in its name fails the start and not the first task. */
  start(done: (error: AepError | undefined) => void): void {
    let runner: TaskRunner;
    try {
      runner = this.add();
    } catch (error) {
      if (error instanceof AepError) return done(error);
      throw error;
    }
    runner.start((error) => {
      if (error === undefined) this.idle.push(runner);
      done(error);
    });
  }

  get isBusy(): boolean {
    return this.idle.length === 0 && this.all.size >= this.options.workers;
  }

  /** Runs a task; ask `isBusy` first. At taskTimeoutMs its runner is stopped and replaced. */
  run(task: ExecutorTask, done: (outcome: TaskOutcome) => void): void {
    const runner = this.idle.pop() ?? this.add();
    const { taskTimeoutMs } = this.options;
    const timer = this.clock.schedule(taskTimeoutMs, () => {
      runner.stop();
      this.all.delete(runner);
      done({ kind: 'error', reason: `no result within ${taskTimeoutMs} ms (taskTimeoutMs)` });
    });
    runner.run(task, (outcome) => {
      this.clock.cancel(timer);
      this.idle.push(runner);
      done(outcome);
    });
  }

  stop(): void {
    for (const runner of this.all) runner.stop();
    this.all.clear();
    this.idle.length = 0;
  }

  private add(): TaskRunner {
    const runner = this.makeRunner(this.moduleReference);
    this.all.add(runner);
    return runner;
  }
}
