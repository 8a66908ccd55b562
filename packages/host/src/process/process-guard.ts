import type { Log } from '@aep/kernel';
import type { Xvm } from '../xvm.js';
import { ExitCode } from './exit-code.js';

/** What the guard needs of `process`; passed in so that tests can send signals. */
export interface ProcessPort {
  on(event: string, listener: (argument: unknown) => void): unknown;
  off(event: string, listener: (argument: unknown) => void): unknown;
  exit(code: number): void;
}

const SIGNALS = { SIGINT: ExitCode.interrupted, SIGTERM: ExitCode.terminated } as const;

/**
 * Stands between the process and its xvm: signals stop it in order (E4), a second one at once; an exception that nobody
 * caught ends the process there and then.
 */
export class ProcessGuard {
  private xvm: Xvm | undefined;
  private signals = 0;
  private readonly listeners: readonly (readonly [string, (argument: unknown) => void])[] = [
    ['SIGINT', () => this.onSignal('SIGINT')],
    ['SIGTERM', () => this.onSignal('SIGTERM')],
    ['uncaughtException', (error: unknown) => this.onUnexpected('an exception that nobody caught', error)],
    ['unhandledRejection', (reason: unknown) => this.onUnexpected('a rejection that nobody handled', reason)],
  ];

  constructor(
    private readonly port: ProcessPort,
    private log: Log,
  ) {
    for (const [event, listener] of this.listeners) port.on(event, listener);
  }

  /** From now on a signal stops this xvm; before, there is nothing to stop but the process. */
  watch(xvm: Xvm): void {
    this.xvm = xvm;
    this.log = xvm.log;
  }

  remove(): void {
    for (const [event, listener] of this.listeners) this.port.off(event, listener);
  }

  private onSignal(signal: keyof typeof SIGNALS): void {
    this.signals++;
    if (this.signals > 1 || this.xvm === undefined) {
      this.log.log('warn', 'stopping at once', { signal });
      this.port.exit(SIGNALS[signal]);
      return;
    }
    this.log.log('info', 'stopping in order; a second signal stops at once', { signal });
    void this.xvm.stop();
  }

  /**
   * The state of the program is unknown now: nothing more may be committed, sent or acknowledged. Leaving at once is what
   * guarantees that; the journal has what was stable, and senders send the rest again.
   */
  private onUnexpected(what: string, error: unknown): void {
    this.log.log('error', `${what}: the process ends, nothing more is acknowledged`, {}, error);
    this.port.exit(ExitCode.unexpected);
  }
}
