import type { Command } from 'commander';
import { addModelOptions } from '../options/model-options.js';
import { type CliRun, examples } from '../session.js';

export function addConfig(program: Command, run: CliRun): void {
  const config = program
    .command('config')
    .description('look at the configuration that a model gives')
    .addHelpText('after', examples('aep config print model.xml --origin'));
  const print = config
    .command('print')
    .description('print every value in force, defaults included; secrets are not shown')
    .argument('<model>', 'the model, XML or JSON')
    .option('--origin', 'say where each value came from')
    .addHelpText(
      'after',
      examples('aep config print model.xml --origin', 'aep config print model.xml --profile test --json'),
    );
  addModelOptions(print).action(run.action(async () => (await import('../actions/config.js')).printConfig));
}
