import { AepError } from '@aep/kernel';
import type { XvmStopReport } from '../xvm-status.js';

/** What a process that ran an xvm ends with; the README has the table. Numbers from 64 are those of sysexits(3). */
export const ExitCode = {
  /** Somebody asked it to stop, and everything that was accepted is done. */
  ok: 0,
  /** It could not start for a reason outside of model and code: a bus, a store, a port. Another try may work. */
  unavailable: 69,
  /** An exception that nobody caught, or a rejection that nobody handled. */
  unexpected: 70,
  /** An app stopped by itself: a policy said so, or its store failed. */
  appStopped: 71,
  /** The stop reached its deadline; what was left is in the journal or with the senders. */
  deadline: 75,
  /** Model, options or code of an app are wrong, or this build does not read a store's format; another try cannot work. */
  configuration: 78,
  /** A second SIGINT. */
  interrupted: 130,
  /** A second SIGTERM. */
  terminated: 143,
} as const;

export function exitCodeOfStop({ cause, drained }: XvmStopReport): number {
  if (cause !== undefined) return ExitCode.appStopped;
  return drained ? ExitCode.ok : ExitCode.deadline;
}

export function exitCodeOfStartFailure(error: unknown): number {
  if (!(error instanceof AepError)) return ExitCode.unexpected;
  // What is wrong with the input stays wrong, whatever the phases around it say: the innermost cause decides.
  let innermost = error;
  while (innermost.cause instanceof AepError) innermost = innermost.cause;
  const isLasting = innermost.advice === 'reject' || OTHER_FORMAT_CODES.has(innermost.code);
  return isLasting ? ExitCode.configuration : ExitCode.unavailable;
}

/** The store is as its build left it: the wrong build, or the wrong directory, was started. */
const OTHER_FORMAT_CODES: ReadonlySet<string> = new Set(['AEP_STORE_FORMAT', 'AEP_RECORD_VERSION']);
