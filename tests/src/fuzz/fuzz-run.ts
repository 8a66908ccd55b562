import { AepError, describeError, SeededRandom } from '@aep/kernel';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Mutator } from './mutator.js';
import type { FuzzTarget } from './target.js';

/** A single execution may take this long; a longer one is repeated, because the machine may have been busy. */
const EXECUTION_MS_MAX = 100;
/** An execution is slow when it is slow each time. */
const REPETITIONS_MAX = 4;
/** Growth of the memory in use over a run, after a collection before and after; caches that fill are below it. */
const GROWTH_BYTES_MAX = 16 * 1024 * 1024;
/** Of each run this part comes first, to fill caches and compile code, before memory is measured. */
const WARM_UP_PART = 0.2;
/** More findings of one target say nothing new. */
const FINDINGS_MAX = 5;
/** Most of the inputs are repaired where a target can; the others test the checks that repairing satisfies. */
const REPAIRED_OF_FOUR = 3;

export interface Finding {
  readonly target: string;
  readonly what: string;
  /** The number of the execution within its seed; undefined for what concerns the whole run. */
  readonly run: number | undefined;
  readonly input: Uint8Array | undefined;
}

export interface FuzzReport {
  readonly target: string;
  readonly runs: number;
  /** Executions that ended with an error with a code. */
  readonly refused: number;
  readonly perSecond: number;
  readonly slowestMs: number;
  readonly growthBytes: number;
  readonly findings: readonly Finding[];
}

export interface FuzzOptions {
  readonly runs: number;
  readonly seed: number;
  /** Called before each execution, so that one that never ends can be named by someone else. @default nobody */
  readonly onRun?: (run: number) => void;
}

/** Executes a target `runs` times. Never throws: what goes wrong is in the report. */
export async function fuzz(target: FuzzTarget, { runs, seed, onRun }: FuzzOptions): Promise<FuzzReport> {
  const mutator = new Mutator(target.seeds, target.tokens);
  const findings: Finding[] = [];
  const { executionMsMax = EXECUTION_MS_MAX } = target;
  const warmUpRuns = Math.floor(runs * WARM_UP_PART);
  let refused = 0;
  let slowestMs = 0;
  let usedBytes = await memoryInUse();
  let spentMs = 0;
  for (let run = 0; run < runs && findings.length < FINDINGS_MAX; run++) {
    if (run === warmUpRuns) usedBytes = await memoryInUse();
    onRun?.(run);
    const input = makeInput(target, mutator, executionSeed(seed, run));
    const startMs = performance.now();
    let outcome = await execute(target, input);
    let tookMs = performance.now() - startMs;
    spentMs += tookMs;
    if (tookMs > executionMsMax && outcome.fault === undefined) {
      tookMs = Math.min(tookMs, await timeOf(target, input));
      if (tookMs > executionMsMax) outcome = { refused: false, fault: `it takes ${Math.round(tookMs)} ms` };
    }
    slowestMs = Math.max(slowestMs, tookMs);
    if (outcome.refused) refused++;
    if (outcome.fault !== undefined) findings.push({ target: target.name, what: outcome.fault, run, input });
  }
  const growthBytes = (await memoryInUse()) - usedBytes;
  if (growthBytes > GROWTH_BYTES_MAX) {
    const what = `memory in use has grown by ${growthBytes} bytes`;
    findings.push({ target: target.name, what, run: undefined, input: undefined });
  }
  const perSecond = Math.round((runs * 1000) / Math.max(spentMs, 1));
  return { target: target.name, runs, refused, perSecond, slowestMs, growthBytes, findings };
}

/** The input of one execution of a seed: the same whatever ran before it. */
export function inputOf(target: FuzzTarget, seed: number, run: number): Uint8Array {
  return makeInput(target, new Mutator(target.seeds, target.tokens), executionSeed(seed, run));
}

/** What is wrong with one execution; undefined when nothing is. */
export async function faultOf(target: FuzzTarget, input: Uint8Array): Promise<string | undefined> {
  const { fault } = await execute(target, input);
  if (fault !== undefined) return fault;
  const tookMs = await timeOf(target, input);
  return tookMs > (target.executionMsMax ?? EXECUTION_MS_MAX) ? `it takes ${Math.round(tookMs)} ms` : undefined;
}

/** The finding as a person reads it, with the command that shows it again. */
export function describeFinding({ target, what, run, input }: Finding, seed: number): string {
  if (input === undefined)
    return `${target}, seed ${seed}: ${what}\n  npm run fuzz -- --target ${target} --seed ${seed}`;
  const hex = Buffer.from(input).toString('hex');
  return [
    `${target}, seed ${seed}, execution ${run}: ${what}`,
    `  input (${input.length} bytes): ${JSON.stringify(Buffer.from(input).toString('latin1').slice(0, 300))}`,
    // A command line has its limits; the number of the execution names the input as well.
    hex.length <= 8192
      ? `  npm run fuzz -- --target ${target} --input ${hex}`
      : `  npm run fuzz -- --target ${target} --seed ${seed} --run ${run}`,
  ].join('\n');
}

interface Outcome {
  readonly refused: boolean;
  readonly fault: string | undefined;
}

const TAKEN: Outcome = { refused: false, fault: undefined };
const REFUSED: Outcome = { refused: true, fault: undefined };

async function execute(target: FuzzTarget, input: Uint8Array): Promise<Outcome> {
  try {
    const running = target.run(input);
    // Most targets answer at once; waiting for nothing would be most of their time.
    if (running !== undefined) await running;
    return TAKEN;
  } catch (thrown) {
    if (thrown instanceof AepError && thrown.code !== 'AEP_ASSERTION') return REFUSED;
    const stack = thrown instanceof Error ? `\n${thrown.stack}` : '';
    return { refused: false, fault: `${describeError(thrown)}${stack}` };
  }
}

async function timeOf(target: FuzzTarget, input: Uint8Array): Promise<number> {
  const { executionMsMax = EXECUTION_MS_MAX } = target;
  let shortestMs = Infinity;
  for (let repetition = 0; repetition < REPETITIONS_MAX && shortestMs > executionMsMax; repetition++) {
    const startMs = performance.now();
    const before = process.cpuUsage();
    await execute(target, input);
    const { user, system } = process.cpuUsage(before);
    // Where others have the processors, the time of the clock says nothing of the input.
    shortestMs = Math.min(shortestMs, performance.now() - startMs, (user + system) / 1_000);
  }
  return shortestMs;
}

function makeInput(target: FuzzTarget, mutator: Mutator, seed: number): Uint8Array {
  const random = new SeededRandom(seed);
  const input = mutator.make(random);
  const isRepaired = target.repair !== undefined && random.below(4) < REPAIRED_OF_FOUR;
  return isRepaired ? target.repair!(input, random) : input;
}

function executionSeed(seed: number, run: number): number {
  return (Math.imul(seed, 0x9e37_79b1) + run) >>> 0;
}

// The flag of the process would have to be given by everyone who runs a test; this gives the same function.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function memoryInUse(): Promise<number> {
  // Twice, with a turn between: array buffers that a collection found are given back behind it.
  collect();
  await setImmediate();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
