import type { Command } from 'commander';
import { addFilterOptions } from '../options/filter-options.js';
import { integerWithin } from '../options/option-values.js';
import { addStoreOptions } from '../options/store-options.js';
import { type CliRun, examples } from '../session.js';

const STORE = 'directory of the store (or --model and --app)';

export function addJournal(program: Command, run: CliRun): void {
  const journal = program
    .command('journal')
    .description('look at the journal: every transaction of an app, in order')
    .addHelpText('after', examples('aep journal list data/orders', 'aep journal verify data/orders'));
  addList(journal, run);
  addShow(journal, run);
  addFollow(journal, run);
  addVerify(journal, run);
  addReplay(journal, run);
  addExport(journal, run);
}

function addList(journal: Command, run: CliRun): void {
  const list = journal
    .command('list')
    .description('list records, oldest first')
    .argument('[store]', STORE)
    .option('-n, --limit <count>', 'list at most so many (default: 50)', integerWithin(1, 1_000_000))
    .option('--last <count>', 'list the newest so many instead of the oldest', integerWithin(1, 1_000_000))
    .addHelpText(
      'after',
      examples(
        'aep journal list data/orders --last 20',
        'aep journal list --model model.xml --app orders --type OrderEvent --where orderId=7',
        'aep journal list data/orders --types ./dist/gen/orders.js --collection orders --key 7',
      ),
    );
  addStoreOptions(addFilterOptions(list)).action(
    run.action(async () => (await import('../actions/journal-records.js')).listJournal),
  );
}

function addShow(journal: Command, run: CliRun): void {
  const show = journal
    .command('show')
    .description('show all of one record')
    .argument('<txId>', 'number of the transaction')
    .argument('[store]', STORE)
    .addHelpText('after', examples('aep journal show 7 data/orders --types ./dist/gen/orders.js'));
  addStoreOptions(show).action(run.action(async () => (await import('../actions/journal-records.js')).showRecord));
}

function addFollow(journal: Command, run: CliRun): void {
  const follow = journal
    .command('follow')
    .description('print records as they become stable, until interrupted; --json gives JSON lines')
    .argument('[store]', STORE)
    .option('-n, --limit <count>', 'end after so many', integerWithin(1))
    .addHelpText(
      'after',
      examples('aep journal follow --model model.xml --app orders', 'aep journal follow data/orders --from 1 --json'),
    );
  addStoreOptions(addFilterOptions(follow)).action(
    run.action(async () => (await import('../actions/journal-records.js')).followJournal),
  );
}

function addVerify(journal: Command, run: CliRun): void {
  const verify = journal
    .command('verify')
    .description('check every record and the tables, and name the first record that is bad')
    .argument('[stores...]', STORE)
    .addHelpText('after', examples('aep journal verify data/orders', 'aep journal verify data/* --json'));
  addStoreOptions(verify).action(run.action(async () => (await import('../actions/journal-verify.js')).verifyJournal));
}

function addReplay(journal: Command, run: CliRun): void {
  const replay = journal
    .command('replay')
    .description('make a fresh store of the journal alone, and compare its tables with the original')
    .argument('[store]', STORE)
    .requiredOption('--into <directory>', 'where the fresh store goes; empty or not there yet')
    .addHelpText('after', examples('aep journal replay data/orders --into /tmp/replayed'));
  addStoreOptions(replay).action(run.action(async () => (await import('../actions/journal-replay.js')).replayJournal));
}

function addExport(journal: Command, run: CliRun): void {
  const command = journal
    .command('export')
    .description('write records as JSON lines')
    .argument('[store]', STORE)
    .option('-n, --limit <count>', 'write at most so many', integerWithin(1))
    .addHelpText(
      'after',
      examples(
        'aep journal export --model model.xml --app orders > orders.jsonl',
        'aep journal export data/orders --from 100 --to 199',
      ),
    );
  addStoreOptions(addFilterOptions(command)).action(
    run.action(async () => (await import('../actions/journal-records.js')).exportJournal),
  );
}
