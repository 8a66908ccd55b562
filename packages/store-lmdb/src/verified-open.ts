import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AepError, type Clock } from '@aep/kernel';
import { openFailed, storeDamaged } from './environment.js';
import { type CheckRequest, parseCheckResult } from './store-check.js';

type Request = Omit<CheckRequest, 'task'>;

/**
 * Opens and reads the store in a child process first (S5): LMDB trusts its file, so a damaged one can give wrong data or
 * kill the process that opens it. Better the child than the engine.
 *
 * @throws AEP_STORE_DAMAGED, AEP_RECORD_CORRUPT, and what opening throws
 */
export async function checkInChild(request: Request, clock: Clock, timeoutMs: number): Promise<void> {
  const ending = await runChild({ ...request, task: 'check' }, clock, timeoutMs);
  if (ending !== undefined) {
    const { path } = request;
    throw storeDamaged(`the store at ${path} cannot be read: the process that checked it ${ending}`, { path, ending });
  }
}

/**
 * Makes the files of a new store in a child process: when the very first write to one of them fails, LMDB ends the process
 * that makes it by a signal.
 *
 * @throws AEP_STORE_OPEN_FAILED
 */
export async function makeInChild(request: Request, clock: Clock, timeoutMs: number): Promise<void> {
  const ending = await runChild({ ...request, task: 'make' }, clock, timeoutMs);
  if (ending !== undefined) throw openFailed(request.path, new Error(`the process that made its files ${ending}`));
}

/** How the child ended without an answer; undefined when it has answered. @throws the error that it answered */
async function runChild(request: CheckRequest, clock: Clock, timeoutMs: number): Promise<string | undefined> {
  const { output, ending } = await outputOfChild(request, clock, timeoutMs);
  const result = parseCheckResult(output);
  if (result?.error !== undefined)
    throw new AepError(result.error.code, 'fatal', result.error.message, result.error.facts);
  return result === undefined ? ending : undefined;
}

function outputOfChild(
  request: CheckRequest,
  clock: Clock,
  timeoutMs: number,
): Promise<{ output: string; ending: string }> {
  return new Promise((resolve) => {
    const script = fileURLToPath(new URL('./store-check-main.js', import.meta.url));
    // Without the parent's node options: a debugger's port or a coverage hook is not for this child.
    const env = { ...process.env, NODE_OPTIONS: '' };
    const child = spawn(process.execPath, [script, JSON.stringify(request)], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env,
    });
    let output = '';
    let ending = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      output += text;
      // It has closed the store before it answers. Node 20 can hang at the end of a process, when a compiler thread waits for
      // a collection that nobody runs any more; the answer is here, so the child need not come to its own end.
      if (output.endsWith('\n')) child.kill('SIGKILL');
    });
    const timer = clock.schedule(timeoutMs, () => {
      ending = `was still reading after ${timeoutMs} ms`;
      child.kill('SIGKILL');
    });
    child.on('error', (error) => (ending = `could not be started: ${error.message}`));
    child.on('close', (code, signal) => {
      clock.cancel(timer);
      if (ending === '') ending = signal === null ? `ended with code ${code}` : `was killed by ${signal}`;
      resolve({ output, ending });
    });
  });
}
