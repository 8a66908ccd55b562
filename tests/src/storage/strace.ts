import { spawn, spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** Calls by which a store changes its files or makes them durable. */
export const WRITING_CALLS = ['pwrite64', 'writev', 'pwritev', 'fdatasync', 'fsync', 'msync', 'ftruncate'] as const;

const WRITER = fileURLToPath(new URL('./reference-writer-process.js', import.meta.url));
/** A writer that takes longer hangs. */
const WRITER_MS_MAX = 30_000;

export interface WriterRun {
  /** Holds the store in `store`, and what the writer says in `report`. */
  readonly folder: string;
  readonly transactions: number;
  /** @default 'disk' */
  readonly durability?: 'disk' | 'os';
  /** @default 'sync' */
  readonly commitMode?: 'sync' | 'async';
  /** Who makes a new store. @default 'itself' */
  readonly maker?: 'itself' | 'child';
}

export interface WriterEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly errors: string;
}

/** Why strace cannot be used here; undefined when it can. */
export function whyNoStrace(): string | undefined {
  const trial = spawnSync('strace', ['-f', '-o', '/dev/null', '-e', 'inject=fdatasync:error=EIO', 'true']);
  if (trial.error !== undefined) return 'strace is not installed (Debian: apt-get install strace)';
  if (trial.status === 0) return undefined;
  const reason = trial.stderr.toString().trim().split('\n').at(-1);
  return `strace may not trace here (${reason}): allow ptrace, in a container with --cap-add SYS_PTRACE`;
}

/** Runs the reference writer under strace, which looks only at the files of its store and at its report. */
export function traceWriter(run: WriterRun, options: readonly string[]): Promise<WriterEnd> {
  const names = ['store/journal/data.mdb', 'store/state/data.mdb', 'store/CREATING', 'report'];
  const watched = names.flatMap((name) => ['-P', `${run.folder}/${name}`]);
  return runCommand(['strace', '-f', '-qq', ...watched, ...options, ...writerCommand(run)]);
}

/** Runs the reference writer. */
export function runWriter(run: WriterRun): Promise<WriterEnd> {
  return runCommand(writerCommand(run));
}

function writerCommand(run: WriterRun): string[] {
  const { folder, transactions, durability = 'disk', commitMode = 'sync', maker = 'itself' } = run;
  const args = [`${folder}/store`, `${folder}/report`, String(transactions), durability, commitMode, maker];
  return [process.execPath, WRITER, ...args];
}

function runCommand([command = '', ...args]: readonly string[]): Promise<WriterEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      // One thread does all that is written behind, so that the n-th call of a thread is the same one in each run.
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
      timeout: WRITER_MS_MAX,
      killSignal: 'SIGKILL',
    });
    let errors = '';
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, errors: errors.slice(-4_000) }));
  });
}
