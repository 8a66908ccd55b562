import type { ProcessPort } from '@aep/host';
import type { Clock } from '@aep/kernel';

/** One of the two streams that a command writes to. */
export interface CliStream {
  readonly isTty: boolean;
  /** Width of the terminal; undefined when there is none, and then nothing is cut. */
  readonly columns: number | undefined;
  /** False when the reader is slow: wait for {@link drained} before the next large write. */
  write(text: string): boolean;
  drained(): Promise<void>;
}

/** Files as commands use them. Paths are absolute, or relative to {@link CliIo.cwd}. */
export interface CliFiles {
  /** @throws AEP_CLI_FILE */
  readText(path: string): string;
  /** Makes missing directories. @throws AEP_CLI_FILE */
  writeText(path: string, text: string): void;
  exists(path: string): boolean;
  /** @throws AEP_CLI_FILE when the path cannot be one */
  isDirectory(path: string): boolean;
  /** Files below a directory, sorted, as paths relative to it. @throws AEP_CLI_FILE */
  filesBelow(path: string): string[];
}

/** What `aep doctor` measures of the machine. Each may throw; that is a finding. */
export interface MachineProbes {
  readonly nodeVersion: string;
  /** Times of single small writes, each synced to the device, in a scratch file of the directory. */
  syncTimesMs(directory: string, count: number): number[];
  freeBytes(directory: string): number;
  /** The soft limit of this process; undefined where the system does not say. */
  fileDescriptorLimit(): number | undefined;
  /** Makes a store in a scratch directory, commits a record, and removes it. */
  tryStore(directory: string): Promise<void>;
  isPortFree(address: string, port: number): Promise<boolean>;
}

/** An answer over HTTP, read to its end. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
}

/**
 * Everything of the process that a command touches, so that tests run commands in their own process and see all of it.
 * The concrete one is made by `processIo`.
 */
export interface CliIo {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly files: CliFiles;
  readonly machine: MachineProbes;
  /** Signals, for the command that runs apps. */
  readonly process: ProcessPort;
  /** Aborted when the user interrupts or the reader of stdout is gone. */
  readonly interrupted: AbortSignal;
  readStdin(): Promise<string>;
  /** `./file.js` or `/file.js` from the given directory, or the name of a package that is installed there. */
  importModule(specifier: string, fromDirectory: string): Promise<Readonly<Record<string, unknown>>>;
  /** Rejects when no answer comes. */
  request(request: HttpRequest): Promise<HttpAnswer>;
}
