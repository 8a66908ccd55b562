import { AepError, didYouMean } from '@aep/kernel';

/** The command line is wrong. */
export function usageError(message: string): AepError {
  return new AepError('AEP_CLI_USAGE', 'reject', message);
}

/** A name that a file or a running xvm should know and does not. */
export function unknownName(what: string, wrong: string, known: readonly string[]): AepError {
  const hint = didYouMean(wrong, known);
  const list = hint === '' ? `; there is ${known.length === 0 ? 'none' : known.slice(0, 20).join(', ')}` : '';
  return new AepError('AEP_CLI_NAME_UNKNOWN', 'reject', `${what} "${wrong}" is not known${hint}${list}`, {
    what,
    name: wrong,
  });
}
