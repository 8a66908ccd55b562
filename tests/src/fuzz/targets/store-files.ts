import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AepError } from '@aep/kernel';
import { runWriter } from '../../storage/strace.js';
import { type FuzzTarget, tokensOf } from '../target.js';

const MAIN = fileURLToPath(new URL('./store-files-process.js', import.meta.url));
/** A few pages of each kind; more would be cut, see the mutator. */
const TRANSACTIONS = 8;
/** Starting another process after one that died is a part of some executions. */
const EXECUTION_MS_MAX = 2_000;
/** A tree that leads in a circle is read for ever; the verified open of a store has its time limit as well. */
const CHECK_MS_MAX = 1_000;

/**
 * The two files of a store, as a verified open reads them (S5): in a process that may die of it, because LMDB trusts its
 * files. That it dies, or never ends, counts as refused; that it answers something else than a result or a code does not.
 */
export async function openStoreFiles(): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'aep-fuzz-'));
  const store = join(folder, 'store');
  mkdirSync(store);
  await runWriter({ folder, transactions: TRANSACTIONS });
  const files = ['journal', 'state'].map((name) => join(store, name, 'data.mdb'));
  const good = files.map((file) => readFileSync(file));
  const checker = new StoreChecker();
  return {
    name: 'store-files',
    testRuns: 40,
    executionMsMax: EXECUTION_MS_MAX,
    // The first byte says which of the files follows.
    seeds: good.map((bytes, at) => Buffer.concat([Uint8Array.of(at), bytes])),
    tokens: [
      ...tokensOf('runs', 'meta', 'tables', 'identity', 'appliedTxId'),
      new Uint8Array(4096),
      PAGE_FLAGS,
      NO_PAGE,
    ],
    run: async (input) => {
      const at = (input[0] ?? 0) % files.length;
      files.forEach((file, index) => writeFileSync(file, index === at ? input.subarray(1) : good[index]!));
      await checker.check(store);
    },
    close: () => {
      checker.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Flags of a leaf, a branch, an overflow page. */
const PAGE_FLAGS = Uint8Array.of(2, 0, 1, 0, 4, 0);
/** The page number of an empty tree. */
const NO_PAGE = new Uint8Array(8).fill(0xff);

interface Answer {
  readonly error?: { readonly code: string; readonly message: string };
}

class StoreChecker {
  private child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  private onAnswer: (line: string | undefined) => void = () => undefined;

  /** @throws an error with the code that the check gives */
  async check(path: string): Promise<void> {
    const child = (this.child ??= this.start());
    const line = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), CHECK_MS_MAX);
      this.onAnswer = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      child.stdin.write(`${path}\n`);
    });
    if (line === undefined) throw refusal('AEP_STORE_DAMAGED', 'the process that checked it died');
    const { error } = JSON.parse(line) as Answer;
    if (error !== undefined) throw refusal(error.code, error.message);
  }

  stop(): void {
    this.child?.kill('SIGKILL');
  }

  private start(): ChildProcessByStdio<Writable, Readable, null> {
    const child = spawn(process.execPath, [MAIN], { stdio: ['pipe', 'pipe', 'ignore'] });
    createInterface({ input: child.stdout }).on('line', (line) => this.onAnswer(line));
    child.stdin.on('error', () => undefined);
    child.on('close', () => {
      if (this.child === child) this.child = undefined;
      this.onAnswer(undefined);
    });
    return child;
  }
}

function refusal(code: string, message: string): AepError {
  return new AepError(code, 'fatal', message, {});
}
