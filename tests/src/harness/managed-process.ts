import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { SupervisorLog } from './supervisor-log.js';

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessCommand {
  readonly name: string;
  readonly args: readonly string[];
  /** A command that runs it, such as one that enters a network namespace first; it must become it. @default none */
  readonly within?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Of what a process says on its standard error the end is kept. */
const ERRORS_KEPT = 20_000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A node process that is started, listened to and killed; it does not outlive this one's exit. */
export class ManagedProcess {
  readonly ended: Promise<ProcessEnd>;

  /** Lines of the standard output so far. */
  readonly lines: string[] = [];
  errors = '';
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private waiting: { readonly pattern: RegExp; readonly resolve: (line: string | undefined) => void }[] = [];
  private end: ProcessEnd | undefined;
  private wasSignalled = false;
  private questions = 0;

  constructor(
    private readonly command: ProcessCommand,
    private readonly log: SupervisorLog,
  ) {
    const env = { ...process.env, ...command.environment };
    const [file = '', ...args] = [...(command.within ?? []), process.execPath, ...command.args];
    this.child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    running.add(this.child);
    log.note('started', { name: command.name, pid: this.child.pid });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.onLine(line));
    this.child.stderr.on('data', (data: Buffer) => (this.errors = (this.errors + data.toString()).slice(-ERRORS_KEPT)));
    // A process that is gone takes no more input; that it is gone is told by `ended`.
    this.child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.end = { code, signal };
        running.delete(this.child);
        log.note('ended', { name: command.name, code, signal });
        for (const { resolve: tell } of this.waiting.splice(0)) tell(undefined);
        resolve(this.end);
      });
    });
  }

  get isRunning(): boolean {
    return this.end === undefined;
  }

  /** It has ended, and nobody here has sent it a signal to end. */
  get endedByItself(): boolean {
    return this.end !== undefined && !this.wasSignalled;
  }

  /** Pauses it, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.log.note('signal', { name: this.command.name, signal });
    this.child.kill(signal);
  }

  /** The next line, or one that has come already, that matches; undefined when the process ends first. */
  line(pattern: RegExp): Promise<string | undefined> {
    const known = this.lines.find((line) => pattern.test(line));
    if (known !== undefined) return Promise.resolve(known);
    if (this.end !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => this.waiting.push({ pattern, resolve }));
  }

  /** Asks with a number, `question 7`, and answers what follows `question 7 `: an answer to an earlier question may still come. */
  async ask(question: string): Promise<string | undefined> {
    const numbered = `${question} ${++this.questions}`;
    this.tell(numbered);
    return (await this.line(new RegExp(`^${numbered} `)))?.slice(numbered.length + 1);
  }

  tell(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  kill(signal: NodeJS.Signals): Promise<ProcessEnd> {
    this.wasSignalled = true;
    if (this.end === undefined) {
      this.log.note('signal', { name: this.command.name, signal });
      this.child.kill(signal);
    }
    return this.ended;
  }

  private onLine(line: string): void {
    this.lines.push(line);
    this.waiting = this.waiting.filter(({ pattern, resolve }) => {
      const isMatch = pattern.test(line);
      if (isMatch) resolve(line);
      return !isMatch;
    });
  }
}
