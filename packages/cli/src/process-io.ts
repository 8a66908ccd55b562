import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { pathToFileURL } from 'node:url';
import { SystemClock } from '@aep/kernel';
import type { CliIo, CliStream, HttpAnswer, HttpRequest } from './cli-io.js';
import { diskFiles } from './process-files.js';
import { machineProbes } from './process-probes.js';

/** The io of this process: the one place that knows `process`. */
export function processIo(): CliIo {
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  // `aep journal list | head`: the reader has seen enough, which is no failure.
  process.stdout.on('error', interrupt);
  process.stderr.on('error', () => {});
  // Listened to only once somebody waits for it: other commands die of a signal as every process does.
  let isListening = false;
  return {
    stdout: streamOf(process.stdout),
    stderr: streamOf(process.stderr),
    cwd: process.cwd(),
    env: process.env,
    clock: new SystemClock(),
    files: diskFiles(process.cwd()),
    machine: machineProbes(),
    process,
    get interrupted() {
      if (!isListening) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
      isListening = true;
      return interruption.signal;
    },
    readStdin,
    importModule,
    request,
  };
}

function streamOf(stream: NodeJS.WriteStream & { readonly fd: number }): CliStream {
  const isTty = isatty(stream.fd);
  return {
    isTty,
    columns: isTty ? stream.columns : undefined,
    write: (text) => stream.writable && stream.write(text),
    drained: () => drained(stream),
  };
}

/** Resolves when there is room again, or when nobody reads any more: then nothing is waited for. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    const ends = ['drain', 'close', 'error'] as const;
    const done = (): void => {
      for (const end of ends) stream.off(end, done);
      resolve();
    };
    if (!stream.writable || !stream.writableNeedDrain) resolve();
    else for (const end of ends) stream.on(end, done);
  });
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function importModule(specifier: string, fromDirectory: string): Promise<Readonly<Record<string, unknown>>> {
  const isPath = specifier.startsWith('.') || specifier.startsWith('/');
  const path = isPath
    ? resolve(fromDirectory, specifier)
    : createRequire(join(fromDirectory, 'package.json')).resolve(specifier);
  return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
}

async function request({ method, url, headers, body, timeoutMs }: HttpRequest): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }) });
  return { status: response.status, text: await response.text() };
}
