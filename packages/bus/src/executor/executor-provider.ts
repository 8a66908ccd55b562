import type { Binding, BindingOptions, BusCapabilities, BusProvider } from '../binding-contract.js';
import { ExecutorBinding } from './executor-binding.js';
import { concludeExecutorOptions } from './executor-options.js';
import type { TaskRunnerFactory } from './task-runner.js';
import { WorkerRunner } from './worker-runner.js';

export interface ExecutorProviderOptions {
  /** What relative paths of modules start from. @default the working directory of the process */
  readonly baseDirectory?: string;
  /** What runs the tasks. @default a worker thread each */
  readonly makeRunner?: TaskRunnerFactory;
}

/**
 * `executor://`: work in worker threads whose results come back as messages (E65). A message sent to a task channel is
 * given to the function that the property `module` names (`./dist/tasks.js#runTask`; its default export name is `execute`);
 * what that returns arrives on the channel that `replyChannel` names. A Guaranteed task is confirmed when its result was
 * acknowledged, so after a failover it runs again; it runs at least once, its effect in the engine is once.
 *
 * Bus properties: `module` (a channel may have its own), `workers` @default 2, `attemptsMax` @default 3, `retryMs` (doubles
 * with each attempt) @default 100, `taskTimeoutMs` @default 60000, `queueMax` tasks per channel @default 10000.
 */
export class ExecutorProvider implements BusProvider {
  readonly name = 'executor';
  readonly supports: BusCapabilities = {
    guaranteed: true,
    wildcardJoin: false,
    crossProcess: false,
    reconnect: false,
    dynamicJoin: false,
    custody: 'receiver',
  };
  private readonly makeRunner: TaskRunnerFactory;

  constructor(options: ExecutorProviderOptions = {}) {
    const baseDirectory = options.baseDirectory ?? process.cwd();
    this.makeRunner = options.makeRunner ?? ((reference) => new WorkerRunner(reference, baseDirectory));
  }

  /** @throws AEP_BUS_DESCRIPTOR_INVALID, AEP_EXECUTOR_MODULE (reject) */
  createBinding(options: BindingOptions): Binding {
    return new ExecutorBinding(options, concludeExecutorOptions(options.bus), this.makeRunner);
  }
}
