import { type Log, toError } from '@aep/kernel';

/**
 * When a write fails behind, lmdb says why in a promise of its own beside the one that it has rejected. Nobody looking at it
 * would be an unhandled rejection, which ends the process; so every failed `put` and `batch` comes here.
 */
export function logCommitDetail(thrown: unknown, log: Log): void {
  const { commitError } = toError(thrown) as { commitError?: Promise<unknown> };
  commitError?.catch((detail: unknown) => log.log('error', 'the storage engine reports', {}, detail));
}
