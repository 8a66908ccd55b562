import { findCommand } from '../admin/admin-client.js';
import { adminClient } from '../admin/admin-target.js';
import type { AppCommand } from '../admin/admin-types.js';
import { parseCommandArguments } from '../admin/command-arguments.js';
import { ExitCode } from '../exit-code.js';
import type { AdminOptions } from '../options/admin-options.js';
import { toJsonText } from '../output/json.js';
import type { Session } from '../session.js';

interface CommandOptions extends AdminOptions {
  readonly app?: string;
}

export async function callCommand(
  { io, output }: Session,
  [name, ...given]: readonly string[],
  options: CommandOptions,
): Promise<ExitCode> {
  const client = adminClient(io, options);
  const app = await client.chooseApp(options.app);
  const commands = await client.commands(app.name);
  if (name === undefined) {
    if (output.json) output.document(commands);
    else if (commands.length === 0) output.note(`app ${app.name} has no commands`);
    else for (const command of commands) output.line(usageOf(command));
    return ExitCode.ok;
  }
  const command = findCommand(commands, name);
  const result = await client.execute(app.name, command.name, parseCommandArguments(command, given));
  if (output.json) output.document(result ?? null);
  else if (result !== undefined && result !== null)
    output.line(typeof result === 'string' ? result : toJsonText(result));
  return ExitCode.ok;
}

function usageOf({ name, description = '', options = {} }: AppCommand): string {
  const flags = Object.entries(options).map(([option, { type, required }]) => {
    const flag = type === 'boolean' ? `--${option}` : `--${option} <${type}>`;
    return required === true ? flag : `[${flag}]`;
  });
  const lines = [[name, ...flags].join(' ')];
  if (description !== '') lines.push(`    ${description}`);
  for (const [option, spec] of Object.entries(options)) {
    const fallback = spec.default === undefined ? '' : ` (default: ${String(spec.default)})`;
    if (spec.description !== undefined || fallback !== '')
      lines.push(`    --${option}  ${spec.description ?? ''}${fallback}`);
  }
  return lines.join('\n');
}
