import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KillRound, type RoundOptions, type RoundResult } from './kill-round.js';
import { ManagedProcess } from './managed-process.js';
import { START_SCRIPT } from './paths.js';

/** A run that takes longer hangs. */
const RUN_MS_MAX = 120_000;
/**
 * A round with all three apps in one process, as `npm start` runs them: killed at random moments of its life, from before
 * its first line of code to its end, and started again until it has done everything.
 */
export async function oneProcessRound(options: RoundOptions): Promise<RoundResult> {
  const round = new KillRound(options);
  const undisturbed = await runToEnd(round, join(options.folder, 'undisturbed'));
  await round.checkResult(undisturbed.result);
  const data = join(options.folder, 'killed');
  while (!round.isSpent) {
    const child = start(round, data);
    // At any moment of a run, but more often early: each kill then leaves something to do for the next ones.
    const killAfterMs = undisturbed.tookMs * (0.05 + round.random.float() ** 2);
    await Promise.race([child.ended, delay(killAfterMs, undefined, { ref: false })]);
    const isEarly = child.isRunning;
    await round.end(child);
    if (isEarly) round.kills++;
    await round.checkDisks(round.storesOf(data), !isEarly);
    if (!isEarly) break;
  }
  const { result } = await runToEnd(round, data);
  await round.checkResult(result);
  await round.checkDisks(round.storesOf(data), true);
  return round.result;
}

async function runToEnd(round: KillRound, data: string): Promise<{ result: unknown; tookMs: number }> {
  const startMs = performance.now();
  const child = start(round, data);
  const timer = setTimeout(() => void child.kill('SIGKILL'), RUN_MS_MAX);
  const { code, signal } = await child.ended;
  clearTimeout(timer);
  if (code !== 0) throw new Error(`a run to the end ended with ${code ?? signal}: ${child.errors}\n${round.replay}`);
  return { result: JSON.parse(child.lines.at(-1) ?? 'null') as unknown, tookMs: performance.now() - startMs };
}

function start(round: KillRound, data: string): ManagedProcess {
  const args = [START_SCRIPT, '--input', round.input, '--data', data, '--json'];
  return new ManagedProcess({ name: 'orders', args, environment: round.environment }, round.log);
}
