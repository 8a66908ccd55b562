import { AepError } from './error.js';

/**
 * Checks an invariant of our own code; always on. Input of users and other processes is checked with coded errors instead.
 * The message is a constant or a thunk, so that a passing assertion builds no string.
 *
 * @throws AEP_ASSERTION (fatal)
 */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) failAssertion(message);
}

function failAssertion(message: string | (() => string)): never {
  throw new AepError(
    'AEP_ASSERTION',
    'fatal',
    `invariant broken: ${typeof message === 'string' ? message : message()}`,
  );
}

/** For the default branch of an exhaustive switch: a compile error when a case is missing. */
export function unreachable(value: never): never {
  throw new AepError('AEP_ASSERTION', 'fatal', `invariant broken: unexpected value ${String(value)}`);
}
