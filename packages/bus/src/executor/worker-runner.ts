import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AepError } from '@aep/kernel';
import type { ExecutorTask } from './task.js';
import type { TaskOutcome, TaskRunner } from './task-runner.js';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-protocol.js';

/** Runs tasks in a worker thread of its own; a thread that dies is replaced for the next task. */
export class WorkerRunner implements TaskRunner {
  private readonly setup: WorkerSetup;
  private worker: Worker | undefined;
  private onOutcome: ((outcome: TaskOutcome) => void) | undefined;
  private onStarted: ((error: AepError | undefined) => void) | undefined;

  /** @param baseDirectory what relative paths of modules start from @throws AEP_EXECUTOR_MODULE (reject) */
  constructor(
    private readonly moduleReference: string,
    baseDirectory: string,
  ) {
    this.setup = parseModuleReference(moduleReference, baseDirectory);
  }

  start(done: (error: AepError | undefined) => void): void {
    this.onStarted = done;
    this.worker = this.spawn();
  }

  run(task: ExecutorTask, done: (outcome: TaskOutcome) => void): void {
    this.onOutcome = done;
    this.worker ??= this.spawn();
    this.worker.ref();
    const message: ToWorker = { kind: 'task', task };
    // The buffer is the task's own, so it moves without a copy.
    this.worker.postMessage(message, [task.bytes.buffer as ArrayBuffer]);
  }

  stop(): void {
    this.onOutcome = undefined;
    this.onStarted = undefined;
    const { worker } = this;
    this.worker = undefined;
    void worker?.terminate();
  }

  private spawn(): Worker {
    const worker = new Worker(new URL('./worker-main.js', import.meta.url), { workerData: this.setup });
    worker.unref();
    worker.on('message', (message: FromWorker) => this.onMessage(worker, message));
    worker.on('error', (error) => this.onCrash(worker, `the worker thread crashed: ${String(error)}`));
    worker.on('exit', (code) => this.onCrash(worker, `the worker thread ended with code ${code}`));
    return worker;
  }

  private onMessage(worker: Worker, message: FromWorker): void {
    if (worker !== this.worker) return;
    if (message.kind === 'ready') return this.started(undefined);
    if (message.kind === 'refused') {
      const error = moduleError(this.moduleReference, message.reason);
      this.started(error);
      return this.onCrash(worker, error.message);
    }
    worker.unref();
    this.outcome(message);
  }

  private onCrash(worker: Worker, reason: string): void {
    if (worker !== this.worker) return;
    this.worker = undefined;
    void worker.terminate();
    this.started(moduleError(this.moduleReference, reason));
    this.outcome({ kind: 'error', reason });
  }

  private started(error: AepError | undefined): void {
    const { onStarted } = this;
    this.onStarted = undefined;
    onStarted?.(error);
  }

  private outcome(outcome: TaskOutcome): void {
    const { onOutcome } = this;
    this.onOutcome = undefined;
    onOutcome?.(outcome);
  }
}

const REFERENCE = /^((?:\.{1,2}\/|\/|file:).*?)(?:#([A-Za-z_$][\w$]*))?$/s;

function parseModuleReference(reference: string, baseDirectory: string): WorkerSetup {
  const match = REFERENCE.exec(reference);
  if (match === null) {
    throw moduleError(
      reference,
      'expected a path such as ./dist/tasks.js#runTask, which starts with ./, ../, / or file:',
    );
  }
  const path = match[1]!;
  const moduleUrl = path.startsWith('file:') ? path : pathToFileURL(resolve(baseDirectory, path)).href;
  return { moduleUrl, exportName: match[2] ?? 'execute' };
}

function moduleError(reference: string, why: string): AepError {
  return new AepError('AEP_EXECUTOR_MODULE', 'reject', `executor module "${reference}": ${why}`, { module: reference });
}
