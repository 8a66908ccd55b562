import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { runWriter } from './strace.js';

export interface DamageReport {
  /** How often what came of it: `refused CODE`, `right`, `verify`, `died`. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Cases in which something wrong was served. */
  readonly wrong: readonly string[];
}

const MAIN = fileURLToPath(new URL('./damaged-store-process.js', import.meta.url));
const TRANSACTIONS = 60;
/** Whoever says nothing for so long reads a damaged tree in a circle. */
const SILENCE_MS_MAX = 20_000;

/** Damages a closed store in `cases` ways, one after another, and reopens each. */
export async function tryDamages(seed: number, cases: number): Promise<DamageReport> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'aep-damage-'));
  mkdirSync(join(folder, 'store'));
  await runWriter({ folder, transactions: TRANSACTIONS });
  const lines: string[] = [];
  for (let next = 0; next < cases; next = lines.length) {
    lines.push(...(await runCases([join(folder), String(seed), String(next), String(cases - next)])));
  }
  rmSync(folder, { recursive: true, force: true });
  const outcomes = new Map<string, number>();
  for (const line of lines) {
    const outcome = line.slice(line.indexOf(': ') + 2);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return { outcomes, wrong: lines.filter((line) => /: (WRONG|refused, )/.test(line)) };
}

/** A line for each case until the process ends; the one that ended it has `died`. */
function runCases(args: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    const watch = (): NodeJS.Timeout => setTimeout(() => child.kill('SIGKILL'), SILENCE_MS_MAX);
    let timer = watch();
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      clearTimeout(timer);
      timer = watch();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      const lines = output.split('\n').filter((line) => line !== '');
      const last = lines.at(-1);
      if (last?.endsWith(': ') === true) lines[lines.length - 1] = `${last}died`;
      if (lines.length === 0) reject(new Error(`no case was tried: the process ended with ${code}`));
      else resolve(lines);
    });
  });
}
