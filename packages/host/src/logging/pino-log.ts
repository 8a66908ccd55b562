import { AepError, type Facts, type Log, type LogLevel, toError } from '@aep/kernel';
import type { LoggingModel } from '@aep/model';
import { destination, type Logger, pino } from 'pino';
import { isSecretFact } from './secret-facts.js';
import { TextStream } from './text-stream.js';

export interface LogTarget {
  write(line: string): void;
}

/** The log of a process, as the xvm's `logging` says. Synchronous: the last line before a crash is written. */
export function openLog(
  logging: Pick<LoggingModel, 'level' | 'format' | 'levels'>,
  target: LogTarget = destination({ dest: 2, sync: true }),
): Log {
  const stream = logging.format === 'json' ? target : new TextStream(target);
  const logger = pino(
    {
      level: logging.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return new PinoLog(logger, logging.levels, {});
}

/** Writes the kernel's log through pino. Facts whose names say that they are secrets are not written. */
export class PinoLog implements Log {
  constructor(
    private readonly logger: Logger,
    /** Levels of parts: by the `part` of a line, the name of one of its facts (`bus`), or its value (`orders`). */
    private readonly levels: Readonly<Record<string, string>>,
    private readonly context: Facts,
  ) {}

  log(level: LogLevel, message: string, facts?: Facts, error?: unknown): void {
    if (!this.logger.isLevelEnabled(level)) return;
    const fields: Record<string, unknown> = written({ ...this.context, ...facts });
    if (error !== undefined) fields['error'] = describe(error);
    this.logger[level](fields, message);
  }

  child(facts: Facts): Log {
    const level = levelOf(facts, this.levels);
    return new PinoLog(level === undefined ? this.logger : this.logger.child({}, { level }), this.levels, {
      ...this.context,
      ...facts,
    });
  }
}

function levelOf(facts: Facts, levels: Readonly<Record<string, string>>): string | undefined {
  for (const [name, value] of Object.entries(facts)) {
    for (const part of [value, name]) if (typeof part === 'string' && Object.hasOwn(levels, part)) return levels[part];
  }
  return undefined;
}

function written(facts: Facts): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(facts)) {
    if (isSecretFact(name)) fields[name] = '(secret)';
    else fields[name] = typeof value === 'bigint' ? String(value) : value;
  }
  return fields;
}

/** Stacks are kept: whoever reads the log has nothing else. */
function describe(thrown: unknown): Record<string, unknown> {
  const error = toError(thrown);
  const coded =
    error instanceof AepError
      ? { code: error.code, advice: error.advice, ...written(error.facts) }
      : { name: error.name };
  const cause = error.cause === undefined ? {} : { cause: describe(error.cause) };
  return { ...coded, message: error.message, stack: error.stack, ...cause };
}
