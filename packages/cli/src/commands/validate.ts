import type { Command } from 'commander';
import { addModelOptions } from '../options/model-options.js';
import { type CliRun, examples } from '../session.js';

export function addValidate(program: Command, run: CliRun): void {
  const command = program
    .command('validate')
    .description('check a deployment model and report all of its problems')
    .argument('<model>', 'the model, XML or JSON')
    .addHelpText('after', examples('aep validate model.xml', 'aep validate model.xml --profile production --json'));
  addModelOptions(command).action(run.action(async () => (await import('../actions/validate.js')).validateModel));
}
