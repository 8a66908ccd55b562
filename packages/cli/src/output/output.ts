import { AepError, toError } from '@aep/kernel';
import type { CliIo } from '../cli-io.js';
import { toJsonLine, toJsonText } from './json.js';
import { Progress } from './progress.js';
import { type Style, styleFor } from './style.js';
import { type Column, renderTable } from './table.js';

export interface OutputOptions {
  readonly json: boolean;
  readonly debug: boolean;
  /** False with `--no-color`. */
  readonly color: boolean;
}

/** What a command says: results on stdout (for people, or as JSON), messages and progress on stderr. */
export class Output {
  readonly json: boolean;
  /** Colours of stdout. */
  readonly style: Style;
  private readonly errorStyle: Style;

  constructor(
    private readonly io: CliIo,
    private readonly options: OutputOptions,
  ) {
    this.json = options.json;
    this.style = styleFor(io.stdout.isTty, io.env, options.color);
    this.errorStyle = styleFor(io.stderr.isTty, io.env, options.color);
  }

  /** A line of the result. */
  line(text: string): void {
    this.io.stdout.write(`${text}\n`);
  }

  text(text: string): void {
    this.io.stdout.write(text);
  }

  /** The result as one JSON document: indented at a terminal, on one line in a pipe. */
  document(value: unknown): void {
    this.line(this.io.stdout.isTty ? toJsonText(value) : toJsonLine(value));
  }

  /** One line of a stream of JSON; waits while the reader is slow, so that an export takes no memory. */
  async jsonLine(value: unknown): Promise<void> {
    if (!this.io.stdout.write(`${toJsonLine(value)}\n`)) await this.io.stdout.drained();
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    const [title, ...lines] = renderTable(columns, rows, this.io.stdout.columns).split('\n');
    this.io.stdout.write([this.style.bold(title!), ...lines].join('\n'));
  }

  /** A message beside the result. */
  note(text: string): void {
    this.io.stderr.write(`${text}\n`);
  }

  warning(text: string): void {
    this.note(`${this.errorStyle.yellow('warning:')} ${text}`);
  }

  error(thrown: unknown): void {
    const error = toCliError(thrown);
    if (this.json) this.note(toJsonLine({ error: error.toJSON() }));
    else this.note(`${this.errorStyle.red('error:')} ${error.code}: ${error.message}`);
    if (this.options.debug) this.note(stackOf(error));
  }

  progress(label: string): Progress {
    return new Progress(this.io, label);
  }
}

/** Anything that was thrown as an error with a code. */
export function toCliError(thrown: unknown): AepError {
  if (thrown instanceof AepError) return thrown;
  const { message } = toError(thrown);
  const text = `${message}; run it again with --debug to see where, and report it`;
  return new AepError('AEP_CLI_UNEXPECTED', 'fatal', text, {}, thrown);
}

function stackOf(error: AepError): string {
  const stacks: string[] = [];
  // A cause chain can be a cycle when an app's code builds it.
  for (let current: unknown = error; current instanceof Error && stacks.length < 5; current = current.cause) {
    stacks.push(current.stack ?? String(current));
  }
  return stacks.join('\ncaused by: ');
}
