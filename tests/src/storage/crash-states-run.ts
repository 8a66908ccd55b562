import { execFile } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export interface CrashStatesRun {
  readonly seed: number;
  readonly states: number;
  /** A store that syncs, one that never does, or a disk that says it has synced and has not. @default 'disk' */
  readonly durability?: 'disk' | 'os' | 'lying';
}

export interface CrashStatesOutcome {
  /** The first few states that were found broken, with what is wrong. */
  readonly broken: readonly string[];
  /** Whether all states were looked at. */
  readonly isDone: boolean;
  /** How the process that looked has ended, and the last that it said. */
  readonly ending: string;
}

const MAIN = fileURLToPath(new URL('./crash-states-process.js', import.meta.url));
const TRANSACTIONS = 60;
/** States of one recorded run; the next ones are of another, so that no process grows old. */
export const STATES_PER_RUN = 10_000;
const BROKEN_LISTED_MAX = 5;

/** Records one run and checks states of it, in a process of their own: files of broken stores can kill whoever reads them. */
export function checkCrashStates({ seed, states, durability = 'disk' }: CrashStatesRun): Promise<CrashStatesOutcome> {
  const stopsAtFirst = durability === 'disk' ? '0' : '1';
  const args = [MAIN, String(seed), String(states), String(TRANSACTIONS), durability, stopsAtFirst];
  return new Promise((resolve) => {
    const options = { maxBuffer: 256 * 1024 * 1024 };
    execFile(process.execPath, ['--enable-source-maps', ...args], options, (error, stdout, stderr) => {
      const broken = [...stdout.matchAll(/^broken (.*)$/gm)].map(([, text = '""']) => JSON.parse(text) as string);
      const ending = error === null ? 'code 0' : (error.signal ?? `code ${error.code}`);
      resolve({
        broken: broken.slice(0, BROKEN_LISTED_MAX),
        isDone: /^done \d+$/m.test(stdout),
        ending: `${ending}: ${(stdout + stderr).slice(-500)}`,
      });
    });
  });
}

/** Any number of states, a recorded run for each 10,000; stops at the first run that finds something. */
export async function checkManyCrashStates(
  { seed, states }: CrashStatesRun,
  onRun: (statesSoFar: number) => void,
): Promise<CrashStatesOutcome> {
  let outcome: CrashStatesOutcome = { broken: [], isDone: true, ending: '' };
  for (let from = 0; from < states && outcome.isDone && outcome.broken.length === 0; from += STATES_PER_RUN) {
    const count = Math.min(STATES_PER_RUN, states - from);
    outcome = await checkCrashStates({ seed: seed + from, states: count });
    onRun(from + count);
  }
  return outcome;
}
