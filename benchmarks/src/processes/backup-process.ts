import process from 'node:process';
import { TradingMember } from '../trading-member.js';
import { readyUntil } from './child.js';

/** A backup of the reference case: `backup-process.js DIRECTORY NAME`. Starts its member when it is told to. */
const [directory = '', name = ''] = process.argv.slice(2);

export type BackupQuestion = 'begin' | 'ask';

export interface BackupAnswer {
  readonly appliedTxId: number;
  /** Of the whole process, all threads. */
  readonly cpuUs: number;
}

const member = new TradingMember({ directory, name });
let hasBegun = false;
process.on('message', (question: BackupQuestion) => {
  if (question === 'begin') {
    hasBegun = true;
    return member.member.start();
  }
  const { user, system } = process.cpuUsage();
  process.send!({ appliedTxId: member.status().appliedTxId, cpuUs: user + system } satisfies BackupAnswer);
});
readyUntil({}, async () => {
  if (hasBegun) await member.stop();
});
