import { AepError } from '@aep/kernel';
import type { ConcludedEngineOptions } from '../engine-options.js';
import type { OpenFailure } from './messaging.js';

/** E91: whether the buses that did not open make the start fail. */
export function messagingFailure(
  options: ConcludedEngineOptions,
  failures: readonly OpenFailure[],
  busCount: number,
): AepError | undefined {
  const [first] = failures;
  if (first === undefined) return undefined;
  const policy = options.policies.messagingStartFail;
  if (policy === 'NeverFail' || (policy === 'FailIfAllBindingsFail' && failures.length < busCount)) return undefined;
  const names = failures.map(({ bus, error }) => `bus "${bus.name}": ${error.code}: ${error.message}`).join('; ');
  return new AepError(
    'AEP_MESSAGING_FAILED',
    'retry',
    `messaging of engine "${options.name}" did not start (${policy}): ${names}`,
    { engine: options.name, failed: failures.length },
    first.error,
  );
}
