import { AepError, describeError, toError } from '@aep/kernel';
import type { UnhandledReason } from '../app/events.js';
import type { EnginePolicies } from '../engine-options.js';
import type { EngineCounters } from '../statistics.js';
import type { Work } from './work.js';

/** What happens to an event whose handlers threw, after its effects were rolled back (E20, E16). */
export type FailureAction =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'quarantine'; readonly reason: string; readonly thenStop: boolean }
  | { readonly kind: 'continue' }
  /** A command, an unsolicited send: the caller has the error, there is no message to keep. */
  | { readonly kind: 'refuse' }
  | { readonly kind: 'stop' };

export interface Verdict {
  readonly cause: AepError;
  readonly action: FailureAction;
}

export interface FailureListener {
  onUnhandled(work: Work, reason: UnhandledReason, detail: string): void;
  onException(work: Work, cause: AepError, handler: string, action: FailureAction): void;
}

/** Decides by the policies what becomes of an event that failed, counts it and raises the event. The pipeline carries it out. */
export class Failures {
  constructor(
    private readonly policies: EnginePolicies,
    private readonly counters: EngineCounters,
    private readonly listener: FailureListener,
  ) {}

  /** A handler, a hook or the seal threw. */
  ofHandler(work: Work, thrown: unknown, handler: string): Verdict {
    const cause = asApplicationError(thrown, handler);
    if (work.message === undefined) return { cause, action: { kind: 'refuse' } };
    // The bytes will not get better: no retry, and it is the message's fault, not the handler's.
    if (cause.code === 'AEP_MESSAGE_MALFORMED') return this.ofUnhandled(work, 'malformed', cause.message);
    const typeName = work.message.$type.fullName;
    this.counters.failed++;
    this.counters.ofType(typeName).failed++;
    const action = nextAction(this.policies, typeName, work.attempt, cause);
    this.listener.onException(work, cause, handler, action);
    return { cause, action };
  }

  ofUnhandled(work: Work, reason: UnhandledReason, detail: string): Verdict {
    this.counters.unhandled++;
    this.listener.onUnhandled(work, reason, detail);
    const cause = new AepError('AEP_MESSAGE_UNHANDLED', 'reject', detail, { reason });
    return { cause, action: unhandledAction(this.policies, reason) };
  }
}

/** @param attempt the attempt that failed: 1, 2, … */
function nextAction(policies: EnginePolicies, typeName: string, attempt: number, cause: AepError): FailureAction {
  const policy = policies.appExceptionByType[typeName] ?? policies.appException;
  switch (policy) {
    case 'RollbackAndStop':
      return { kind: 'stop' };
    case 'LogAndContinue':
      return { kind: 'continue' };
    case 'QuarantineAndContinue':
    case 'QuarantineAndStop':
      if (attempt <= policies.retriesMax)
        return {
          kind: 'retry',
          delayMs: Math.min(policies.retryBackoffMaxMs, policies.retryBackoffMs * 2 ** (attempt - 1)),
        };
      return { kind: 'quarantine', reason: cause.code, thenStop: policy === 'QuarantineAndStop' };
  }
}

function unhandledAction(policies: EnginePolicies, reason: UnhandledReason): FailureAction {
  switch (policies.unhandledMessage) {
    case 'DeadLetter':
      return { kind: 'quarantine', reason: `unhandled: ${reason}`, thenStop: false };
    case 'Ignore':
      return { kind: 'continue' };
    case 'Stop':
      return { kind: 'stop' };
  }
}

export function asApplicationError(thrown: unknown, handler: string): AepError {
  if (thrown instanceof AepError) return thrown;
  const error = toError(thrown);
  return new AepError('AEP_HANDLER_FAILED', 'reject', `${handler} threw ${describeError(error)}`, { handler }, error);
}
