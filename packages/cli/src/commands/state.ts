import type { Command } from 'commander';
import { integerWithin } from '../options/option-values.js';
import { addStoreOptions } from '../options/store-options.js';
import { type CliRun, examples } from '../session.js';

export function addState(program: Command, run: CliRun): void {
  const state = program
    .command('state')
    .description('look at the state of an app, now or at an earlier transaction')
    .addHelpText(
      'after',
      examples('aep state show --model model.xml --app orders', 'aep state diff data/orders 100 200'),
    );
  const show = state
    .command('show')
    .description('show the collections of the state, or the entries of one')
    .argument('[store]', 'directory of the store (or --model and --app)')
    .option('--at <txId>', 'as of this transaction (default: the newest)', integerWithin(0))
    .option('-c, --collection <name>', 'show the entries of this collection')
    .option('-k, --key <key>', 'show the entry with this key')
    .option('-n, --limit <count>', 'show at most so many entries (default: 50)', integerWithin(1, 10_000_000))
    .addHelpText(
      'after',
      examples(
        'aep state show data/bank --types ./dist/gen/bank.js',
        'aep state show data/bank --types ./dist/gen/bank.js --collection accounts --key alice --at 7',
      ),
    );
  addStoreOptions(show).action(run.action(async () => (await import('../actions/state-show.js')).showState));
  const diff = state
    .command('diff')
    .description('show what became different between two transactions')
    .argument('<args...>', 'two txIds, and the directory of the store (or --model and --app)')
    .usage('[options] [store] <txId> <txId>')
    .option('-c, --collection <name>', 'only this collection')
    .option('-n, --limit <count>', 'show at most so many changes (default: 1000)', integerWithin(1, 10_000_000))
    .addHelpText('after', examples('aep state diff data/bank 3 7 --types ./dist/gen/bank.js'));
  addStoreOptions(diff).action(run.action(async () => (await import('../actions/state-diff.js')).diffState));
}
