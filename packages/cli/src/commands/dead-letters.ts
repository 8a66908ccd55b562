import { Argument, type Command } from 'commander';
import { addAdminOptions, addAdminUrl } from '../options/admin-options.js';
import { integerWithin } from '../options/option-values.js';
import { addStoreOptions } from '../options/store-options.js';
import { type CliRun, examples } from '../session.js';

export function addDeadLetters(program: Command, run: CliRun): void {
  const letters = program
    .command('dead-letters')
    .description('look at messages that could not be handled, replay or discard them')
    .addHelpText(
      'after',
      examples('aep dead-letters list data/orders', 'aep dead-letters replay 17 --model model.xml --app orders'),
    );
  addList(letters, run);
  addShow(letters, run);
  addReplay(letters, run);
  addDiscard(letters, run);
}

function addList(letters: Command, run: CliRun): void {
  const list = letters
    .command('list')
    .description('list dead letters, oldest first: from a store, or with --admin from a running xvm')
    .argument('[store]', 'directory of the store (or --model and --app, or --admin)')
    .option('-n, --limit <count>', 'list at most so many (default: 50)', integerWithin(1, 100_000))
    .addHelpText(
      'after',
      examples(
        'aep dead-letters list data/orders',
        'aep dead-letters list --admin http://127.0.0.1:7500 --type bank.Deposit',
      ),
    );
  addAdminUrl(addStoreOptions(withFilter(list))).action(
    run.action(async () => (await import('../actions/dead-letters-look.js')).listDeadLetterCommand),
  );
}

function addShow(letters: Command, run: CliRun): void {
  const show = letters
    .command('show')
    .description('show a dead letter with its message')
    .argument('<id>', 'number of the dead letter')
    .argument('[store]', 'directory of the store (or --model and --app, or --admin)')
    .addHelpText(
      'after',
      examples(
        'aep dead-letters show 17 data/orders --types ./dist/gen/orders.js',
        'aep dead-letters show 17 --admin http://127.0.0.1:7500 --json',
      ),
    );
  addAdminUrl(addStoreOptions(show)).action(
    run.action(async () => (await import('../actions/dead-letters-look.js')).showDeadLetter),
  );
}

function addReplay(letters: Command, run: CliRun): void {
  const replay = letters
    .command('replay')
    .description('have the running app handle dead letters again; each is gone once that is stable')
    .addArgument(new Argument('[ids...]', 'numbers of dead letters'))
    .option('--all', 'all that match the filter')
    .option('--edit <file>', 'handle this message (ProtoJSON) instead of the one that failed; one id only')
    .option('--dry-run', 'only list what would be replayed')
    .addHelpText(
      'after',
      examples(
        'aep dead-letters replay 17 18 --admin http://127.0.0.1:7500',
        'aep dead-letters replay --all --type bank.Deposit --dry-run --model model.xml',
        'aep dead-letters replay 17 --edit fixed.json --model model.xml',
      ),
    );
  withRunning(withFilter(replay)).action(
    run.action(async () => (await import('../actions/dead-letters-change.js')).replayDeadLetters),
  );
}

function addDiscard(letters: Command, run: CliRun): void {
  const discard = letters
    .command('discard')
    .description('have the running app drop dead letters unhandled')
    .addArgument(new Argument('[ids...]', 'numbers of dead letters'))
    .option('--all', 'all that match the filter')
    .option('--dry-run', 'only list what would be discarded')
    .addHelpText(
      'after',
      examples(
        'aep dead-letters discard 17 --admin http://127.0.0.1:7500',
        'aep dead-letters discard --all --origin deposits@bank-bus --dry-run',
      ),
    );
  withRunning(withFilter(discard)).action(
    run.action(async () => (await import('../actions/dead-letters-change.js')).discardDeadLetters),
  );
}

function withFilter(command: Command): Command {
  return command
    .option('--type <name>', 'only messages of this type (full name)')
    .option('--origin <origin>', 'only those that came from here: deposits@bank-bus')
    .option('--reason <reason>', 'only those with this reason');
}

/** A running xvm does it: a store that nobody has open cannot be changed. */
function withRunning(command: Command): Command {
  return addAdminOptions(command).option('-a, --app <name>', 'the app, when the xvm has several');
}
