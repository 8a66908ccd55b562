import { describeError, type Facts } from './error.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where a package writes what an operator should read. Facts never hold secrets or message payloads. */
export interface Log {
  log(level: LogLevel, message: string, facts?: Facts, error?: unknown): void;
  /** A log that puts these facts on every line. */
  child(facts: Facts): Log;
}

/** Drops everything: the default for libraries and tests. */
export const silentLog: Log = {
  log() {},
  child: () => silentLog,
};

/** A log that hands each line to a function, for tests and for hosts with a logger of their own. */
export class FunctionLog implements Log {
  constructor(
    private readonly write: (line: LogLine) => void,
    private readonly context: Facts = {},
  ) {}

  log(level: LogLevel, message: string, facts: Facts = {}, error?: unknown): void {
    const text = error === undefined ? message : `${message}: ${describeError(error)}`;
    this.write({
      level,
      message: text,
      facts: { ...this.context, ...facts },
      ...(error === undefined ? {} : { error }),
    });
  }

  child(facts: Facts): Log {
    return new FunctionLog(this.write, { ...this.context, ...facts });
  }
}

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly facts: Facts;
  readonly error?: unknown;
}
