import { Argument, type Command } from 'commander';
import { ExitCode } from '../exit-code.js';
import { completionScript, type Shell, SHELLS } from '../output/completion-script.js';
import { type CliRun, examples } from '../session.js';

export function addCompletion(program: Command, run: CliRun): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in your shell')
    .addArgument(new Argument('<shell>', 'your shell').choices([...SHELLS]))
    .addHelpText(
      'after',
      examples('source <(aep completion bash)', 'aep completion fish > ~/.config/fish/completions/aep.fish'),
    )
    .action(
      run.action(async () => ({ output }, [shell]) => {
        output.text(completionScript(shell as Shell, program));
        return ExitCode.ok;
      }),
    );
}
