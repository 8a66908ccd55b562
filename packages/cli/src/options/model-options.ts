import type { Command } from 'commander';
import { collect } from './option-values.js';

/** Options of every command that loads a model. */
export interface ModelOptions {
  readonly profile?: readonly string[];
  readonly set?: readonly string[];
}

export function addModelOptions(command: Command): Command {
  return command
    .option('-p, --profile <name>', 'merge a profile of the model (repeatable)', collect)
    .option(
      '--set <setting=value>',
      'override a setting, such as x.apps.orders.limits.timersMax=10 (repeatable)',
      collect,
    );
}
