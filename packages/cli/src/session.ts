import type { Command } from 'commander';
import type { CliIo } from './cli-io.js';
import { ExitCode } from './exit-code.js';
import { Output, type OutputOptions } from './output/output.js';

/** What one command is given: the process, where to speak, and nothing else. */
export interface Session {
  readonly io: CliIo;
  readonly output: Output;
}

/** Answers the exit code; throws an AepError for what went wrong. */
export type CommandBody<O> = (session: Session, args: readonly string[], options: O) => Promise<ExitCode> | ExitCode;

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
  readonly color?: boolean;
}

/** One run of the command line: binds command bodies to the process and keeps their exit code. */
export class CliRun {
  exitCode: ExitCode = ExitCode.ok;
  /** Of the command that runs; before it is known, what can be told from the arguments. */
  output: Output;

  constructor(
    readonly io: CliIo,
    argv: readonly string[],
  ) {
    // A wrong command line is reported as asked for as well, although it was not understood.
    this.output = this.outputFor({
      json: argv.includes('--json'),
      debug: argv.includes('--debug'),
      color: !argv.includes('--no-color'),
    });
  }

  /**
   * An action for commander that runs a body with the session and all arguments as one list. The body is loaded only when
   * its command is called: `--help` and completion need neither the storage engine nor the model.
   */
  action<O>(load: () => Promise<CommandBody<O>>): (...given: unknown[]) => Promise<void> {
    return async (...given) => {
      const body = await load();
      const command = given[given.length - 1] as Command;
      const options = command.optsWithGlobals<GlobalOptions & O>();
      const { json = false, debug = false, color = true } = options;
      this.output = this.outputFor({ json, debug, color });
      this.exitCode = await body({ io: this.io, output: this.output }, command.args, options);
    };
  }

  private outputFor(options: OutputOptions): Output {
    return new Output(this.io, options);
  }
}

/** The end of a help text: how the command is used. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
