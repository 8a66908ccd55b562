import type { LogTarget } from './pino-log.js';

const LEVEL_WIDTH = 5;

/** Turns pino's JSON lines into lines for people: `2026-11-21T12:00:00.000Z INFO  message  app=orders`. */
export class TextStream implements LogTarget {
  constructor(private readonly target: LogTarget) {}

  write(line: string): void {
    const { time, level, msg, error, ...facts } = JSON.parse(line) as Record<string, unknown>;
    const head = `${String(time)} ${String(level).toUpperCase().padEnd(LEVEL_WIDTH)} ${String(msg).replaceAll('\n', '\n    ')}`;
    const shown = Object.entries(facts).map(([name, value]) => ` ${name}=${shownValue(value)}`);
    this.target.write(
      `${head}${shown.length === 0 ? '' : ` ${shown.join('')}`}\n${error === undefined ? '' : stackOf(error)}`,
    );
  }
}

/** A value with blanks or quotes in it is quoted, so that no value can look like another fact or another line. */
function shownValue(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
}

/** An error of ours says by code and message what is wrong; of any other, the stack is what there is to go by. */
function stackOf(error: unknown): string {
  const { code, message, stack, cause } = error as Partial<Record<'code' | 'message' | 'stack', string>> & {
    cause?: unknown;
  };
  const text = code !== undefined || stack === undefined ? `${code ?? 'Error'}: ${message ?? ''}` : stack;
  const lines = text.split('\n').map((line) => `    ${line}\n`);
  return `${lines.join('')}${cause === undefined ? '' : `    caused by\n${stackOf(cause)}`}`;
}
