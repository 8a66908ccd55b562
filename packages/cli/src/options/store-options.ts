import type { Command } from 'commander';
import { addModelOptions, type ModelOptions } from './model-options.js';
import { collect } from './option-values.js';

/** How a command that reads a store is told which one, and how its bytes are to be read. */
export interface StoreOptions extends ModelOptions {
  readonly model?: string;
  readonly app?: string;
  readonly data?: string;
  readonly xvm?: string;
  readonly types?: readonly string[];
}

export function addStoreOptions(command: Command): Command {
  command
    .option('-m, --model <file>', 'find the store and the types of an app through its model')
    .option('-a, --app <name>', 'the app, when the model has several')
    .option('--xvm <name>', 'the member, when the app is a pair: each has a store of its own')
    .option('--data <directory>', 'data directory of the xvm (default: "data" beside the model)')
    .option(
      '--types <module>',
      'generated code to read messages and state with: ./dist/gen/bank.js, or #Bank for one root (repeatable)',
      collect,
    );
  return addModelOptions(command);
}
