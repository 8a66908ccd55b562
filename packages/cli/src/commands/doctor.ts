import type { Command } from 'commander';
import { addModelOptions } from '../options/model-options.js';
import { type CliRun, examples } from '../session.js';

export function addDoctor(program: Command, run: CliRun): void {
  const doctor = program
    .command('doctor')
    .description('check that this machine can run apps well, and say what to change')
    .option('--data <directory>', 'directory whose disk is measured (default: the working directory)')
    .option('-m, --model <file>', 'also check that the ports of this model are free')
    .addHelpText('after', examples('aep doctor', 'aep doctor --data /var/lib/aep --model model.xml --json'));
  addModelOptions(doctor).action(run.action(async () => (await import('../actions/doctor.js')).runDoctor));
}
