import { parentPort, workerData } from 'node:worker_threads';
import { encodeResult, type ExecutorTask, type TaskFunction } from './task.js';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-protocol.js';

/** The program of a worker thread: loads the user's function and runs one task after the other. */
const port = parentPort!;
const setup = workerData as WorkerSetup;

function say(message: FromWorker): void {
  port.postMessage(message);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

async function runTask(run: TaskFunction, task: ExecutorTask): Promise<void> {
  try {
    say({ kind: 'result', result: encodeResult(await run(task)) });
  } catch (error) {
    say({ kind: 'error', reason: reasonOf(error) });
  }
}

try {
  const loaded = (await import(setup.moduleUrl)) as Record<string, unknown>;
  const run = loaded[setup.exportName];
  if (typeof run !== 'function') {
    const exported = Object.keys(loaded).join(', ') || 'nothing';
    throw new TypeError(`it exports no function "${setup.exportName}", but ${exported}`);
  }
  port.on('message', (message: ToWorker) => void runTask(run as TaskFunction, message.task));
  say({ kind: 'ready' });
} catch (error) {
  say({ kind: 'refused', reason: reasonOf(error) });
}
