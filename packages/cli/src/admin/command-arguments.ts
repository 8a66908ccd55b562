import { didYouMean } from '@aep/kernel';
import { usageError } from '../usage-error.js';
import type { AppCommand } from './admin-types.js';

/**
 * Options of an app's command as they stand on the command line: `--name value`, `--name=value`, `name=value`, and
 * `--name` alone for what is true or false. Types are checked by the app.
 *
 * @throws AEP_CLI_USAGE
 */
export function parseCommandArguments(
  { name, options = {} }: AppCommand,
  given: readonly string[],
): Record<string, string | boolean> {
  const found: Record<string, string | boolean> = {};
  const known = Object.keys(options);
  for (let at = 0; at < given.length; at++) {
    const word = given[at]!;
    const isFlag = word.startsWith('--');
    const text = isFlag ? word.slice(2) : word;
    const equals = text.indexOf('=');
    const option = equals < 0 ? text : text.slice(0, equals);
    if (!isFlag && equals < 1)
      throw usageError(`command "${name}": "${word}" is no option: write --name value or name=value`);
    if (!Object.hasOwn(options, option)) {
      throw usageError(
        `command "${name}" has no option "${option}"${didYouMean(option, known)}; it has ${known.join(', ') || 'none'}`,
      );
    }
    if (equals >= 0) found[option] = text.slice(equals + 1);
    else if (options[option]!.type === 'boolean') found[option] = true;
    else if (at + 1 < given.length) found[option] = given[++at]!;
    else throw usageError(`command "${name}": --${option} needs a value`);
  }
  return found;
}
