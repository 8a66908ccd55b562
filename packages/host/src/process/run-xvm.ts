import process from 'node:process';
import { openLog } from '../logging/pino-log.js';
import { prepareXvm } from '../start-xvm.js';
import type { Xvm } from '../xvm.js';
import type { XvmOptions } from '../xvm-options.js';
import { exitCodeOfStartFailure, exitCodeOfStop } from './exit-code.js';
import { ProcessGuard, type ProcessPort } from './process-guard.js';

export interface RunXvmOptions extends XvmOptions {
  /** Called when every app that starts with the process is active. */
  readonly onStarted?: (xvm: Xvm) => void;
  /** @default the running process */
  readonly process?: ProcessPort;
}

/**
 * Runs the apps of a model until a signal or an app ends it: what the main file of a process awaits. Resolves with its
 * exit code and never rejects: what went wrong is in the log.
 *
 * @example process.exit(await runXvm({ model: { file: 'model.xml' } }));
 */
export async function runXvm(options: RunXvmOptions): Promise<number> {
  const log = options.log ?? openLog({ level: 'info', format: 'text', levels: {} });
  const guard = new ProcessGuard(options.process ?? process, log);
  try {
    const xvm = await prepareXvm(options);
    guard.watch(xvm);
    await xvm.start();
    options.onStarted?.(xvm);
    return exitCodeOfStop(await xvm.stopped);
  } catch (failure) {
    log.log('error', 'the process did not start', {}, failure);
    return exitCodeOfStartFailure(failure);
  } finally {
    guard.remove();
  }
}
