import type { Command } from 'commander';
import { addModelOptions } from '../options/model-options.js';
import { collect } from '../options/option-values.js';
import { type CliRun, examples } from '../session.js';

export function addRun(program: Command, run: CliRun): void {
  const command = program
    .command('run')
    .description('run the apps of a model in this process until it is told to stop')
    .argument('<model>', 'the model, XML or JSON')
    .option('--xvm <name>', 'the xvm to be, when the model has several')
    .option('-a, --app <name>', 'run only this app (repeatable)', collect)
    .option('--data <directory>', 'where stores are kept (default: "data" beside the model)')
    .addHelpText(
      'after',
      `${examples('aep run model.xml', 'aep run model.xml --xvm main --profile production --data /var/lib/aep')}

The first Ctrl-C (SIGINT, SIGTERM) stops in order: what was accepted is handled and confirmed. The second stops at once.`,
    );
  addModelOptions(command).action(run.action(async () => (await import('../actions/run.js')).runModel));
}
