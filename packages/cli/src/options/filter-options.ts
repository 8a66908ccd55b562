import type { Command } from 'commander';
import { collect, integerWithin } from './option-values.js';

/** Which records a listing is about; all that are given must hold. */
export interface RecordFilterOptions {
  readonly from?: number;
  readonly to?: number;
  readonly type?: string;
  readonly channel?: string;
  readonly where?: readonly string[];
  readonly collection?: string;
  readonly key?: string;
}

export function addFilterOptions(command: Command): Command {
  return command
    .option('--from <txId>', 'first record', integerWithin(1))
    .option('--to <txId>', 'last record', integerWithin(1))
    .option('--type <name>', 'a message of this type was received or sent: bank.Deposit, Deposit, or 21:1')
    .option('--channel <name>', 'received from or sent to this channel: events, or events@bus')
    .option(
      '--where <field=value>',
      'a message has this value: account=alice, customer.region=EMEA (repeatable)',
      collect,
    )
    .option('--collection <name>', 'an entry of this collection changed')
    .option('--key <key>', 'the entry with this key changed');
}
