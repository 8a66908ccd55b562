import { type Command, CommanderError } from 'commander';
import type { CliIo } from './cli-io.js';
import { ExitCode, exitCodeOf } from './exit-code.js';
import { toCliError } from './output/output.js';
import { createProgram } from './program.js';
import { CliRun } from './session.js';
import { usageError } from './usage-error.js';

/**
 * Runs one command line and answers its exit code. Never rejects: whatever goes wrong is written to stderr with its code.
 *
 * @param argv what follows `aep`
 * @example const exitCode = await runCli(['validate', 'model.xml'], processIo())
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const run = new CliRun(io, argv);
  try {
    const program = createProgram(run);
    prepare(program, io);
    await program.parseAsync(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' });
    return run.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return ExitCode.ok; // help and version
    // A command that only groups others was called alone: its help went to stderr.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return ExitCode.usage;
    const error = thrown instanceof CommanderError ? usageError(messageOf(thrown)) : toCliError(thrown);
    run.output.error(error);
    return exitCodeOf(error);
  }
}

/** Commander must neither end the process nor write to it by itself; subcommands do not inherit that once they exist. */
function prepare(command: Command, io: CliIo): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns ?? HELP_WIDTH,
      getErrHelpWidth: () => io.stderr.columns ?? HELP_WIDTH,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true });
  for (const inner of command.commands) prepare(inner, io);
}

const HELP_WIDTH = 100;

/** `error: unknown option '--profil'\n(Did you mean --profile?)` on one line and without its first word. */
function messageOf({ message }: CommanderError): string {
  return message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
}
