import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import process from 'node:process';
import { HOW_TO_INSTALL } from './peer-modules.js';

const START_MS_MAX = 10_000;

/** A server of a peer on the loopback interface, started for one case. */
export class PeerServer {
  private constructor(private readonly child: ChildProcess) {}

  /** @returns a text when the server is not installed or does not come up */
  static async start(command: string, args: readonly string[], port: number): Promise<PeerServer | string> {
    // Debian puts nats-server where only root looks.
    const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` };
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    let end: string | undefined;
    let errors = '';
    child.stderr.on('data', (data: Buffer) => (errors = (errors + data.toString()).slice(-500)));
    child.once('error', (error) => (end = `${command} is not installed (${error.message}): ${HOW_TO_INSTALL}`));
    child.once('exit', (code, signal) => (end ??= `${command} ended with ${code ?? signal}: ${errors.trim()}`));
    for (const startedMs = performance.now(); performance.now() - startedMs < START_MS_MAX;) {
      if (end !== undefined) return end;
      if (await isListening(port)) return new PeerServer(child);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill();
    return `${command} did not listen at port ${port} within ${START_MS_MAX} ms: ${errors.trim()}`;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.child.once('exit', () => resolve());
      this.child.kill();
    });
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
