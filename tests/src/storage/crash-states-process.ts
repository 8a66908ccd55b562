import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describeViolations, type Violation } from '../checker/invariants.js';
import { type CrashState, CrashStates } from './crash-states.js';
import { checkByOpening, checkStoreFiles } from './store-check.js';
import { recordTrace, type TraceStep } from './write-trace.js';

/**
 * Checks every state of a recorded run; in a process of its own, because a damaged file can kill whoever reads it.
 * Arguments: seed, number of states, transactions, `disk`, `os` or `lying`, 1 to stop at the first
 * violation. Says each violation, and now and then where it is.
 */
const [seed = '1', count = '100', transactions = '60', durability = 'disk', first = '0'] = process.argv.slice(2);
/** The engine opens, recovers and verifies one state in so many; the checker looks at all. */
const OPENED_ONE_IN = 100;

const recorded = await recordTrace(Number(transactions), durability === 'os' ? 'os' : 'disk');
const steps = durability === 'lying' ? withoutSyncs(recorded) : recorded;
say(`steps ${steps.length}`);
const states = new CrashStates(steps, Number(seed), Number(count));
// Files in memory: no disk is asked for anything here.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'aep-states-'));
const keepAlive = setInterval(() => undefined, 1_000);
let found = 0;
for (let index = 0; index < Number(count); index++) {
  const state = states.state(index);
  if (index % 50 === 0) say(`state ${index} ${state.description}`);
  const violations = await check(state, join(folder, String(index)), index % OPENED_ONE_IN === 0);
  if (violations.length === 0) continue;
  found++;
  say(`broken ${JSON.stringify(`${state.description}\n${describeViolations(violations)}`)}`);
  if (first === '1') break;
}
rmSync(folder, { recursive: true, force: true });
clearInterval(keepAlive);
say(`done ${found}`);

/** As if the disk said that it had synced, and from the middle of the run on had not. */
function withoutSyncs(all: readonly TraceStep[]): TraceStep[] {
  const middle = all.length / 2;
  return all.map((step, at): TraceStep => {
    if (at < middle) return step;
    if (step.kind === 'sync') return { ...step, since: 0 };
    return step.kind === 'write' ? { ...step, isSynced: false } : step;
  });
}

async function check({ files, stableTxId }: CrashState, store: string, isOpened: boolean): Promise<Violation[]> {
  for (const [name, bytes] of files) {
    mkdirSync(join(store, name), { recursive: true });
    writeFileSync(join(store, name, 'data.mdb'), bytes);
  }
  const violations = await checkStoreFiles(store, stableTxId);
  if (violations.length === 0 && isOpened) violations.push(...(await checkByOpening(store, stableTxId)));
  rmSync(store, { recursive: true, force: true });
  return violations;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
