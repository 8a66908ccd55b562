import { type ChildProcess, fork } from 'node:child_process';
import { createServer } from 'node:net';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** The other process of a case: says one thing when it is ready, and ends when it is disconnected. */
export interface OtherProcess<Ready> {
  readonly child: ChildProcess;
  readonly ready: Ready;
  /** Asks it to end in order, and waits for it. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  readonly args?: readonly string[];
  /** Flags of node beside those of this process, such as a heap limit. */
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `processes/<name>.js`; a profiler that looks at this process looks at that one, too. */
export function startProcess<Ready = unknown>(
  name: string,
  options: ProcessOptions = {},
): Promise<OtherProcess<Ready>> {
  const { args = [], execArgv = [], env = {} } = options;
  const child = fork(fileURLToPath(new URL(`${name}.js`, import.meta.url)), args, {
    execArgv: [...process.execArgv, ...execArgv],
    env: { ...process.env, ...env },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = (): Promise<void> => {
    if (child.connected) child.disconnect();
    return ended;
  };
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('message', (ready: Ready) => resolve({ child, ready, stop }));
    child.once('exit', (code, signal) => reject(new Error(`${name} ended with ${code ?? signal} before it was ready`)));
  });
}

/** In the other process: says that it is ready, and `stop`s and ends when the case has no more use for it. */
export function readyUntil(ready: object, stop: () => Promise<unknown>): void {
  process.on('disconnect', () => {
    void stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.send!(ready);
}

/** A port of the loopback interface that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
