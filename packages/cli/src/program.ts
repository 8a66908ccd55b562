import { Command } from 'commander';
import { addCluster } from './commands/cluster.js';
import { addCommandCommand } from './commands/command.js';
import { addCompletion } from './commands/completion.js';
import { addConfig } from './commands/config.js';
import { addDeadLetters } from './commands/dead-letters.js';
import { addDoctor } from './commands/doctor.js';
import { addGenerate } from './commands/generate.js';
import { addJournal } from './commands/journal.js';
import { addRun } from './commands/run.js';
import { addSchema } from './commands/schema.js';
import { addSend } from './commands/send.js';
import { addState } from './commands/state.js';
import { addStats } from './commands/stats.js';
import { addValidate } from './commands/validate.js';
import type { CliRun } from './session.js';
import { CLI_VERSION } from './version.js';

/** The whole command line of `aep`. */
export function createProgram(run: CliRun): Command {
  const program = new Command('aep');
  program
    .description('Runs and inspects event-sourced applications.')
    .version(CLI_VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help for a command')
    .option('--json', 'print results as JSON')
    .option('--no-color', 'no colours')
    .option('--debug', 'print stacks of errors')
    .addHelpText('after', EXIT_CODES);
  for (const add of COMMANDS) add(program, run);
  return program;
}

/** In the order of `aep --help`. */
const COMMANDS: readonly ((program: Command, run: CliRun) => void)[] = [
  addRun,
  addValidate,
  addConfig,
  addGenerate,
  addSchema,
  addSend,
  addCommandCommand,
  addStats,
  addCluster,
  addDeadLetters,
  addJournal,
  addState,
  addDoctor,
  addCompletion,
];

const EXIT_CODES = `
Exit codes:
  0  done
  1  a check found problems
  2  the command line is wrong
  3  the input is invalid
  4  something cannot be opened or reached
  5  failed while running

"aep COMMAND --help" has the options of a command and examples.`;
