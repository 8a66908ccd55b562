import type { Command } from 'commander';
import { collect } from '../options/option-values.js';
import { type CliRun, examples } from '../session.js';

export function addGenerate(program: Command, run: CliRun): void {
  program
    .command('generate')
    .description('write views, entities, state roots and factories for .proto files')
    .argument('<proto...>', '.proto files, or directories of them')
    .requiredOption('-o, --out <directory>', 'where the generated code goes')
    .option(
      '-I, --root <directory>',
      'where imports are looked for (repeatable; default: the directory of the files)',
      collect,
    )
    .option('--check', 'write nothing; fail when a generated file is not current')
    .addHelpText(
      'after',
      examples(
        'aep generate orders.proto --out src/gen',
        'aep generate schemas --out src/gen --check',
        'aep generate schemas/shop/orders.proto --root schemas --out src/gen',
      ),
    )
    .action(run.action(async () => (await import('../actions/generate.js')).generateCode));
}
