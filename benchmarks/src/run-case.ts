import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { BenchmarkCase, CaseResult } from './case.js';

export interface RunOptions {
  /** On the working disk, not in a memory file system: a sync must cost what it costs. */
  readonly directory: string;
  readonly scale: number;
  readonly isFull: boolean;
}

/** What one run of a case says; one line of JSON. */
export interface CaseReport extends CaseResult {
  readonly name: string;
  readonly title: string;
  readonly durability: BenchmarkCase['durability'];
  readonly tookMs: number;
  /** Load average of the last minute when the case ended. */
  readonly load: number;
  /** It should have run, and broke. */
  readonly failed?: string;
}

/** Runs a case in this process. */
export async function runCase(benchmark: BenchmarkCase, options: RunOptions): Promise<CaseReport> {
  const { scale, isFull } = options;
  const directory = mkdtempSync(join(options.directory, 'bench-'));
  const startedMs = performance.now();
  // Timers of an engine do not keep a process alive, and a case has nothing else while it waits for one.
  const alive = setInterval(() => undefined, 1_000);
  try {
    const result = await benchmark.run({ directory, scale, isFull });
    return { ...headOf(benchmark), tookMs: Math.round(performance.now() - startedMs), load: load(), ...result };
  } finally {
    clearInterval(alive);
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Runs a case in a process of its own, so that neither the code that other cases made hot nor their heap has a part in
 * its figures, and so that one that fails leaves the others alone.
 */
export function runCaseApart(benchmark: BenchmarkCase, options: RunOptions): Promise<CaseReport> {
  const { directory, scale, isFull } = options;
  const args = [MAIN, '--exact', '--json', '--scale', String(scale), '--directory', directory];
  if (isFull) args.push('--full');
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const child = spawn(process.execPath, [...process.execArgv, ...args, benchmark.name], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: CASE_MS_MAX,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.on('close', (code, signal) => {
      const line = output.trimEnd().split('\n').at(-1) ?? '';
      if (code === 0 && line.startsWith('{')) return resolve(JSON.parse(line) as CaseReport);
      const tookMs = Math.round(performance.now() - startedMs);
      const failed = `its process ended with ${code ?? signal}; what it said is above`;
      resolve({ ...headOf(benchmark), tookMs, load: load(), figures: [], ratios: [], failed });
    });
  });
}

/** A case that takes longer hangs. */
const CASE_MS_MAX = 30 * 60_000;
const MAIN = fileURLToPath(new URL('main.js', import.meta.url));

function headOf({ name, title, durability }: BenchmarkCase) {
  return { name, title, durability };
}

function load(): number {
  return Math.round(loadavg()[0]! * 10) / 10;
}
