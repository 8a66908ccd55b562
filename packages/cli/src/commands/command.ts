import type { Command } from 'commander';
import { addAdminOptions } from '../options/admin-options.js';
import { type CliRun, examples } from '../session.js';

export function addCommandCommand(program: Command, run: CliRun): void {
  const command = program
    .command('command')
    .description('call a command of an app in a running xvm; without a name, list them')
    .argument('[name]', 'the command')
    .argument('[args...]', 'its options: --region EMEA, or region=EMEA')
    .option('-a, --app <name>', 'the app, when the xvm has several')
    .allowUnknownOption()
    .addHelpText(
      'after',
      examples('aep command --model model.xml', 'aep command totals --region EMEA --admin http://127.0.0.1:7500'),
    );
  addAdminOptions(command).action(run.action(async () => (await import('../actions/command.js')).callCommand));
}
