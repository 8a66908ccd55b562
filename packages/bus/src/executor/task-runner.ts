import type { AepError } from '@aep/kernel';
import type { EncodedResult, ExecutorTask } from './task.js';

/** How one run of a task ended. */
export type TaskOutcome =
  | { readonly kind: 'result'; readonly result: EncodedResult | undefined }
  /** The function threw, or what ran it crashed. */
  | { readonly kind: 'error'; readonly reason: string };

/** Runs tasks of one module, one at a time. Callbacks come from the event loop. */
export interface TaskRunner {
  /** Loads the module. Once, before `run`. */
  start(done: (error: AepError | undefined) => void): void;
  /** A runner whose task crashed it is good for further tasks. */
  run(task: ExecutorTask, done: (outcome: TaskOutcome) => void): void;
  /** Ends at once, a running task too; its `done` does not come. */
  stop(): void;
}

/** Makes a runner for `path/to/module.js#exportedFunction`. */
export type TaskRunnerFactory = (moduleReference: string) => TaskRunner;
