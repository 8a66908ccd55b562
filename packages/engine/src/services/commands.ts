import { AepError, didYouMean } from '@aep/kernel';
import type { CommandOption, CommandSpec } from '../app/app-definition.js';

/** Checks the arguments of a command against its declared options; text is converted, as it comes from CLI and HTTP. */
export function concludeArguments(
  spec: CommandSpec,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const concluded: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(spec.options, name)) continue;
    throw invalid(spec, `it has no option "${name}"${didYouMean(name, Object.keys(spec.options))}`);
  }
  for (const [name, option] of Object.entries(spec.options)) {
    const value = given[name] ?? option.default;
    if (value !== undefined) concluded[name] = convert(spec, name, option, value);
    else if (option.required === true) throw invalid(spec, `option "${name}" is required`);
  }
  return concluded;
}

/** @throws AEP_COMMAND_UNKNOWN with the nearest name */
export function findCommand(commands: readonly CommandSpec[], name: string): CommandSpec {
  const spec = commands.find((command) => command.name === name);
  if (spec !== undefined) return spec;
  const names = commands.map((command) => command.name);
  throw new AepError(
    'AEP_COMMAND_UNKNOWN',
    'reject',
    `the application has no command "${name}"${didYouMean(name, names)}; it has ${names.join(', ') || 'none'}`,
    {
      command: name,
    },
  );
}

function convert(spec: CommandSpec, name: string, option: CommandOption, value: unknown): unknown {
  if (typeof value === option.type) return value;
  if (option.type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return String(value);
  if (typeof value === 'string') {
    if (option.type === 'number' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
    if (option.type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  }
  throw invalid(spec, `option "${name}": expected a ${option.type}, got ${JSON.stringify(value)}`);
}

function invalid(spec: CommandSpec, problem: string): AepError {
  return new AepError('AEP_COMMAND_ARGUMENTS', 'reject', `command "${spec.name}": ${problem}`, { command: spec.name });
}
