/**
 * What the receiver of an error can do about it.
 * - `fatal`: an invariant or the storage is broken; the engine stops.
 * - `retry`: the same call may work later.
 * - `reject`: the input is wrong; repeating the call cannot help.
 */
export type Advice = 'fatal' | 'retry' | 'reject';

/** Facts of an error for machines: printed as JSON by the CLI and the admin API. Never put a secret or a payload here. */
export type Facts = Readonly<Record<string, string | number | boolean | bigint | null | undefined>>;

/**
 * Every error that leaves a package of this project: a stable code, an advice and facts beside the message.
 * The message says what is wrong, where, and what to do.
 *
 * @example throw new AepError('AEP_CHANNEL_UNKNOWN', 'reject', 'bus "b" has no channel "x": did you mean "y"?', { bus: 'b' })
 */
export class AepError extends Error {
  override readonly name = 'AepError';
  readonly code: string;
  readonly advice: Advice;
  readonly facts: Facts;

  // oxlint-disable-next-line max-params -- the same four in this order everywhere; only the cause is one more
  constructor(code: string, advice: Advice, message: string, facts: Facts = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.advice = advice;
    this.facts = facts;
  }

  /** The error as one JSON object; bigint facts become decimal strings. Nested causes keep code and message only. */
  toJSON(): Record<string, unknown> {
    const facts: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(this.facts))
      facts[name] = typeof value === 'bigint' ? String(value) : value;
    const cause = this.cause === undefined ? undefined : describeError(this.cause);
    return {
      code: this.code,
      advice: this.advice,
      message: this.message,
      facts,
      ...(cause === undefined ? {} : { cause }),
    };
  }
}

/**
 * One line for logs: `CODE: message`, with the causes behind it. A cause whose message stands in what was said before is
 * not said again. Accepts anything that was thrown.
 */
export function describeError(thrown: unknown): string {
  const parts: string[] = [];
  let said = '';
  // A cause chain can be a cycle when user code builds it; five levels tell the story.
  for (let error: unknown = thrown, depth = 0; error !== undefined && depth < 5; depth++) {
    const text = error instanceof Error ? error.message : showThrown(error);
    if (text === '' || !said.includes(text)) parts.push(error instanceof Error ? `${nameOf(error)}: ${text}` : text);
    said += `${text}\n`;
    error = error instanceof Error ? error.cause : undefined;
  }
  return parts.join(' <- ');
}

function nameOf(error: Error): string {
  return error instanceof AepError ? error.code : error.name;
}

/** The thrown value as an Error, so that a stack and a message are always there. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`a value that is not an Error was thrown: ${showThrown(thrown)}`);
}

/** Anything can be thrown, an object whose own toString throws included; this never fails. */
function showThrown(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  try {
    return JSON.stringify(thrown) ?? typeof thrown;
  } catch {
    return 'an object that cannot be shown';
  }
}
