import type { Command } from 'commander';
import { addAdminOptions } from '../options/admin-options.js';
import { integerWithin } from '../options/option-values.js';
import { type CliRun, examples } from '../session.js';

export function addStats(program: Command, run: CliRun): void {
  const stats = program
    .command('stats')
    .description('show what the apps of a running xvm do: totals, rates and latencies')
    .option('-w, --watch', 'show it again and again, until interrupted; --json gives JSON lines')
    .option(
      '--interval <ms>',
      'time over which rates are taken, and between two looks',
      integerWithin(50, 3_600_000),
      1_000,
    )
    .option('--count <looks>', 'end --watch after so many looks', integerWithin(1))
    .addHelpText('after', examples('aep stats --model model.xml', 'aep stats --admin http://127.0.0.1:7500 --watch'));
  addAdminOptions(stats).action(run.action(async () => (await import('../actions/stats.js')).showStats));
}
