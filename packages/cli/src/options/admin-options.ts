import type { Command } from 'commander';
import { addModelOptions, type ModelOptions } from './model-options.js';

/** How a command is told which running xvm it talks to. */
export interface AdminOptions extends ModelOptions {
  readonly admin?: string;
  readonly model?: string;
  readonly xvm?: string;
  readonly timeout?: number;
}

/** Only the options; a command with a store has --model already. */
export function addAdminUrl(command: Command): Command {
  return command.option(
    '--admin <url>',
    'admin server of the running xvm (default: $AEP_ADMIN_URL); the token comes from $AEP_ADMIN_TOKEN',
  );
}

export function addAdminOptions(command: Command): Command {
  addAdminUrl(command)
    .option('-m, --model <file>', 'find the admin server through the model')
    .option('--xvm <name>', 'the xvm of the model, when it has several');
  return addModelOptions(command);
}
