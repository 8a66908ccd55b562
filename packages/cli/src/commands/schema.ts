import type { Command } from 'commander';
import { collect } from '../options/option-values.js';
import { type CliRun, examples } from '../session.js';

export function addSchema(program: Command, run: CliRun): void {
  const schema = program
    .command('schema')
    .description('look after the .proto files of messages and state')
    .addHelpText('after', examples('aep schema check old-schemas schemas'));
  schema
    .command('check')
    .description('list what would break journals, stores and other programs when OLD becomes NEW')
    .argument('<old>', '.proto file, or directory of them, as it was')
    .argument('<new>', 'the same as it shall be')
    .option(
      '-I, --root <directory>',
      'where imports are looked for (repeatable; default: the directory of the files)',
      collect,
    )
    .addHelpText(
      'after',
      examples('aep schema check released/orders.proto orders.proto', 'aep schema check old-schemas schemas --json'),
    )
    .action(run.action(async () => (await import('../actions/schema.js')).checkSchema));
}
