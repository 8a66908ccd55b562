import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { failoverRound } from './failover-round.js';

/** `npm run failover -- [--cycles N] [--seed S] [--zombie-every N] [--arbiter DESCRIPTOR]` */
const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'zombie-every': { type: 'string', default: '0' },
    arbiter: { type: 'string' },
  },
});

const PER_ROUND = 20;
/** Lines that are worked off in the time of one failover and the return of the member. */
const LINES_PER_FAILOVER = 5_000;
const cycles = Number(values.cycles);
const base = mkdtempSync(join(tmpdir(), 'aep-failover-'));
const killedMs: number[] = [];
const pausedMs: number[] = [];
let lines = 0;
let seed = Number(values.seed);
let failed = 0;
write(`${cycles} failovers of a pair under load, seed ${seed}`);
while (killedMs.length + pausedMs.length < cycles && failed === 0) {
  const killsMax = Math.min(PER_ROUND, cycles - killedMs.length - pausedMs.length);
  const folder = join(base, `round-${seed}`);
  try {
    const result = await failoverRound({
      seed,
      folder,
      killsMax,
      lineCount: killsMax * LINES_PER_FAILOVER,
      zombieEvery: Number(values['zombie-every']),
      arbiter: values.arbiter,
    });
    killedMs.push(...result.killedMs);
    pausedMs.push(...result.pausedMs);
    lines += result.lines;
    rmSync(folder, { recursive: true, force: true });
    write(`seed ${seed}: ${result.lines} lines, ${describe(result.killedMs)}`);
    seed++;
  } catch (thrown) {
    failed++;
    write(thrown instanceof Error ? thrown.message : String(thrown));
  }
}
write(`${killedMs.length} kills over ${lines} lines: ${failed === 0 ? '0 lost, 0 doubled' : 'FAILED'}`);
write(`time from kill -9 to the first newly acknowledged event: ${describe(killedMs)}`);
if (pausedMs.length > 0) write(`${pausedMs.length} pauses (SIGSTOP, SIGCONT): ${describe(pausedMs)}`);
if (failed === 0) rmSync(base, { recursive: true, force: true });
// Not left to the event loop's end, where Node 20 can hang (see scripts/start.mjs).
process.exit(failed === 0 ? 0 : 1);

function describe(times: readonly number[]): string {
  if (times.length === 0) return 'none';
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
