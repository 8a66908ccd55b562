import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@aep/kernel';
import type { RoundOptions, RoundResult } from './kill-round.js';
import { oneProcessRound } from './one-process.js';
import { threeProcessRound } from './three-processes.js';

export interface KillOptions {
  /** Kills in all. */
  readonly cycles: number;
  readonly seed: number;
  readonly mode: 'one' | 'three';
  /** SIGTERM: stops in order instead of kills. @default SIGKILL */
  readonly signal?: RoundOptions['signal'];
  readonly input?: string | undefined;
  readonly environment?: RoundOptions['environment'];
  /** Rounds side by side. @default 1 */
  readonly workers?: number | undefined;
  readonly onRound?: (result: RoundResult, seed: number) => void;
}

export interface KillReport {
  readonly cycles: number;
  readonly rounds: number;
  readonly lines: number;
  readonly msPerCycle: number;
}

/** Enough for a round to get through its input, few enough that the end is checked often. */
const KILLS_PER_ROUND = 15;
/** Lines of a round: in one process they should be worked off within about a second; three processes go on between kills. */
const LINES = { one: 3_000, three: 12_000 } as const;
/** A mode whose rounds end before anything could be killed must not go on for ever. */
const IDLE_ROUNDS_MAX = 10;

/**
 * Kills the order example until it has been killed often enough, and checks after every kill and at every end. Each round
 * has its own input and its own seed, so a failing round can be run alone.
 *
 * @throws what the round found: the invariants, the seed, and where its files are
 */
export async function runKills(options: KillOptions): Promise<KillReport> {
  const { cycles, mode, seed, workers = 1 } = options;
  const base = mkdtempSync(join(tmpdir(), 'aep-kill-'));
  const startMs = performance.now();
  const total = { kills: 0, planned: 0, rounds: 0, lines: 0, idle: 0 };
  const work = async (): Promise<void> => {
    while (total.planned < cycles && total.idle < IDLE_ROUNDS_MAX) {
      const killsMax = Math.min(KILLS_PER_ROUND, cycles - total.planned);
      total.planned += killsMax;
      const roundSeed = roundSeedOf(seed, total.rounds++);
      const folder = join(base, `round-${roundSeed}`);
      const lineCount = LINES[mode];
      const { input, signal, environment } = options;
      const round: RoundOptions = { seed: roundSeed, folder, killsMax, lineCount, input, signal, environment };
      const result = await (mode === 'one' ? oneProcessRound(round) : threeProcessRound(round));
      rmSync(folder, { recursive: true, force: true });
      total.kills += result.kills;
      total.lines += result.lines;
      // A round that came to its end before its last kill leaves the rest to another.
      total.planned -= killsMax - result.kills;
      if (result.kills === 0) total.idle++;
      options.onRound?.(result, roundSeed);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  rmSync(base, { recursive: true, force: true });
  const msPerCycle = (performance.now() - startMs) / Math.max(1, total.kills);
  return { cycles: total.kills, rounds: total.rounds, lines: total.lines, msPerCycle };
}

/** The first round has the seed itself, so that the seed of a failed round runs that round. */
function roundSeedOf(seed: number, round: number): number {
  if (round === 0) return seed;
  const random = new SeededRandom(seed);
  let roundSeed = seed;
  for (let index = 0; index < round; index++) roundSeed = random.below(2 ** 31);
  return roundSeed;
}
