import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type CliFiles,
  type CliIo,
  type CliStream,
  type ExitCode,
  type HttpAnswer,
  type HttpRequest,
  type MachineProbes,
  runCli,
} from '@aep/cli';
import { diskFiles } from '@aep/cli/internal';
import { type Clock, SystemClock } from '@aep/kernel';

/** A machine in good order. */
export const GOOD_MACHINE: MachineProbes = {
  nodeVersion: '22.20.0',
  syncTimesMs: (_directory, count) => Array.from({ length: count }, () => 0.5),
  freeBytes: () => 50 * 1024 ** 3,
  fileDescriptorLimit: () => 65_536,
  tryStore: () => Promise.resolve(),
  isPortFree: () => Promise.resolve(true),
};

class TestStream implements CliStream {
  isTty = false;
  columns: number | undefined;
  text = '';
  /** A test that waits for a text, or acts at it. */
  onWrite: (text: string) => void = () => {};

  write(text: string): boolean {
    this.text += text;
    this.onWrite(text);
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }
}

/** Signals that a test sends. */
class TestProcess extends EventEmitter {
  exited: number | undefined;

  exit(code: number): void {
    this.exited = code;
  }
}

/** The process as commands see it, in a directory of its own; what they write is kept. */
export class TestIo implements CliIo {
  readonly stdout = new TestStream();
  readonly stderr = new TestStream();
  readonly process = new TestProcess();
  readonly files: CliFiles;
  readonly requests: HttpRequest[] = [];
  env: Record<string, string | undefined> = {};
  clock: Clock = new SystemClock();
  machine: MachineProbes = GOOD_MACHINE;
  stdin = '';
  private readonly interruption = new AbortController();

  constructor(readonly cwd: string) {
    this.files = diskFiles(cwd);
  }

  get interrupted(): AbortSignal {
    return this.interruption.signal;
  }

  interrupt(): void {
    this.interruption.abort();
  }

  readStdin(): Promise<string> {
    return Promise.resolve(this.stdin);
  }

  async importModule(specifier: string, fromDirectory: string): Promise<Readonly<Record<string, unknown>>> {
    const isPath = specifier.startsWith('.') || specifier.startsWith('/');
    const path = isPath
      ? resolve(fromDirectory, specifier)
      : createRequire(join(fromDirectory, 'package.json')).resolve(specifier);
    return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  }

  /** Answers requests; a test replaces it. */
  answer: (request: HttpRequest) => Promise<HttpAnswer> | HttpAnswer = () => {
    throw new Error('fetch failed', { cause: new Error('connect ECONNREFUSED') });
  };

  async request(request: HttpRequest): Promise<HttpAnswer> {
    this.requests.push(request);
    return await this.answer(request);
  }
}

/** What a command line did. */
export interface Outcome {
  readonly exitCode: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in the directory. */
export async function aep(
  cwd: string,
  argv: readonly string[],
  prepare: (io: TestIo) => void = () => {},
): Promise<Outcome> {
  const io = new TestIo(cwd);
  prepare(io);
  const exitCode = await runCli(argv, io);
  return { exitCode, out: io.stdout.text, err: io.stderr.text };
}

/** The code of the error that a command ended with; the empty string when it ended without one. */
export function codeOf({ err }: Outcome): string {
  return /^error: (AEP_[A-Z_]+): /m.exec(err)?.[1] ?? '';
}

/** The result as JSON; fails with what was said on stderr. */
export async function aepJson<T>(cwd: string, argv: readonly string[], prepare?: (io: TestIo) => void): Promise<T> {
  const { out, err } = await aep(cwd, [...argv, '--json'], prepare);
  try {
    return JSON.parse(out) as T;
  } catch {
    throw new Error(`no JSON on stdout: ${JSON.stringify(out)}, stderr: ${err}`);
  }
}

export function scratchDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'aep-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
