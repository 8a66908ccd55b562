import type { Command } from 'commander';
import { addAdminOptions } from '../options/admin-options.js';
import { type CliRun, examples } from '../session.js';

export function addSend(program: Command, run: CliRun): void {
  const send = program
    .command('send')
    .description(
      'send a message on a channel through an app of a running xvm, or hand it to the app that receives there',
    )
    .requiredOption('-c, --channel <name>', 'the channel: events, or events@bus')
    .requiredOption('-t, --type <name>', 'full name of the message type: bank.Deposit')
    .option('--message <json>', 'the message as ProtoJSON')
    .option('-f, --file <path>', 'file with the message as ProtoJSON; - is the standard input')
    .option('--idempotency-key <key>', 'sending again with this key does nothing')
    .option('-a, --app <name>', 'the app that sends (default: one that does not receive from the channel)')
    .addHelpText(
      'after',
      examples(
        `aep send --model model.xml --channel deposits --type bank.Deposit --message '{"account":"alice","amount":5}'`,
        'aep send --admin http://127.0.0.1:7500 -c deposits -t bank.Deposit --file deposit.json',
      ),
    );
  addAdminOptions(send).action(run.action(async () => (await import('../actions/send.js')).sendMessage));
}
