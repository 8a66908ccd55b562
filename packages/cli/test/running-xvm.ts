import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { runCli } from '@aep/cli';
import { ledgerModel } from './ledger-store.js';
import { type Outcome, TestIo } from './test-io.js';

/** `aep run` of the ledger in this process, with its admin server on a free port. */
export class RunningXvm {
  private constructor(
    readonly port: number,
    private readonly io: TestIo,
    private readonly ended: Promise<number>,
  ) {}

  /** Writes `model.xml` into the directory and runs it; resolves when the apps are active. */
  static async start(
    cwd: string,
    options: { readonly flags?: readonly string[]; readonly token?: string } = {},
  ): Promise<RunningXvm> {
    const port = await freePort();
    writeFileSync(
      join(cwd, 'model.xml'),
      ledgerModel({ adminPort: port, ...(options.token === undefined ? {} : { token: options.token }) }),
    );
    const io = new TestIo(cwd);
    const started = new Promise<void>((resolve) => {
      io.stderr.onWrite = (text) => {
        if (text.startsWith('Ctrl-C stops')) resolve();
      };
    });
    const ended = runCli(['run', 'model.xml', ...(options.flags ?? [])], io);
    await Promise.race([started, ended]);
    return new RunningXvm(port, io, ended);
  }

  /** What it printed so far, results before messages. */
  get said(): string {
    return this.io.stdout.text + this.io.stderr.text;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: 'SIGINT' | 'SIGTERM' = 'SIGTERM'): Promise<Outcome> {
    this.io.process.emit(signal);
    const exitCode = (await this.ended) as Outcome['exitCode'];
    return { exitCode, out: this.io.stdout.text, err: this.io.stderr.text };
  }
}

/** Requests of commands go over the loopback address. */
export function overHttp(io: TestIo): void {
  io.answer = async ({ method, url, headers, body, timeoutMs }) => {
    const response = await fetch(url, {
      method,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, text: await response.text() };
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
