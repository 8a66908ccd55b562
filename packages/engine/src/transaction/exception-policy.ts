import type { EnginePolicies } from '../engine-options.js';

/** What happens to an event whose handlers threw, after its effects were rolled back (E20). */
export type FailureAction =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'quarantine'; readonly thenStop: boolean }
  | { readonly kind: 'continue' }
  | { readonly kind: 'stop' };

/** @param attempt the attempt that failed: 1, 2, … */
export function nextAction(policies: EnginePolicies, typeName: string, attempt: number): FailureAction {
  const policy = policies.appExceptionByType[typeName] ?? policies.appException;
  switch (policy) {
    case 'RollbackAndStop':
      return { kind: 'stop' };
    case 'LogAndContinue':
      return { kind: 'continue' };
    case 'QuarantineAndContinue':
    case 'QuarantineAndStop':
      if (attempt <= policies.retriesMax) return { kind: 'retry', delayMs: policies.retryBackoffMs * 2 ** (attempt - 1) };
      return { kind: 'quarantine', thenStop: policy === 'QuarantineAndStop' };
  }
}
