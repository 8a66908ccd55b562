import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { AepError } from '@aep/kernel';
import { freePorts, isListening } from './ports.js';

/** Where one broker lives: the same through all its restarts. */
export interface BrokerPlace {
  /** Its data and its configuration; removed by `dispose`. */
  readonly folder: string;
  /** Free when the broker was made; as many as the kind asks for. */
  readonly ports: readonly number[];
}

export interface BrokerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** One kind of broker: how it is found, set up and started. */
export interface BrokerKind {
  readonly name: string;
  /** @default 1 */
  readonly portCount?: number;
  /** What this machine lacks and what installs it; undefined when the broker is there. */
  missing(): string | undefined;
  /** Writes the configuration into the folder. Called before every start. */
  prepare(place: BrokerPlace): BrokerCommand;
  /** @default the first port takes connections */
  isReady?(place: BrokerPlace): Promise<boolean>;
}

/** A JVM on a busy machine takes its time. */
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
const POLL_MS = 20;
const OUTPUT_KEPT = 20_000;
/** Ends a broker whose starter was killed, so that no test leaves one behind. */
const SETPRIV = '/usr/bin/setpriv';

/** A broker of its own on loopback: started, killed, paused, and started again on the same port with the same data. */
export class BrokerProcess {
  readonly place: BrokerPlace;
  private child: ChildProcess | undefined;
  private ended: Promise<void> = Promise.resolve();
  private output = '';

  private constructor(
    private readonly kind: BrokerKind,
    ports: readonly number[],
  ) {
    this.place = { folder: mkdtempSync(join(tmpdir(), `aep-${kind.name}-`)), ports };
    process.once('exit', this.onExit);
  }

  /** Chooses ports and a folder; `start` makes it run. */
  static async create(kind: BrokerKind): Promise<BrokerProcess> {
    return new BrokerProcess(kind, await freePorts(kind.portCount ?? 1));
  }

  /** The first of its ports. */
  get port(): number {
    return this.place.ports[0]!;
  }

  get isRunning(): boolean {
    return this.child !== undefined;
  }

  /** The end of what it wrote to its standard output and error since it was made. */
  get log(): string {
    return this.output;
  }

  /** Resolves when it takes connections. @throws AEP_BROKER_NOT_READY with the end of its output */
  async start(): Promise<this> {
    const command = this.kind.prepare(this.place);
    this.spawn(command);
    const deadlineMs = performance.now() + READY_MS_MAX;
    while (!(await this.isReady())) {
      if (!this.isRunning) throw this.notReady('it ended');
      if (performance.now() > deadlineMs) {
        await this.kill();
        throw this.notReady(`it was not ready after ${READY_MS_MAX} ms`);
      }
      await delay(POLL_MS);
    }
    return this;
  }

  /** `kill -9`; its data stay as they are. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Asks it to end in order, and kills it when it does not. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_MS_MAX);
    await this.ended;
    clearTimeout(timer);
  }

  /** Kills it and starts it again on the same data. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** It hangs: its connections stay, and nothing moves. */
  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  async dispose(): Promise<void> {
    await this.kill();
    process.off('exit', this.onExit);
    rmSync(this.place.folder, { recursive: true, force: true });
  }

  private isReady(): Promise<boolean> {
    return this.kind.isReady?.(this.place) ?? isListening(this.port);
  }

  private spawn({ file, args, environment = {} }: BrokerCommand): void {
    const [command, ...rest] = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', file, ...args] : [file, ...args];
    // A group of its own, so that a signal reaches what a start script may have left running.
    const child = spawn(command, rest, {
      detached: true,
      cwd: this.place.folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const keep = (data: Buffer): void => void (this.output = (this.output + data.toString()).slice(-OUTPUT_KEPT));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        if (this.child === child) this.child = undefined;
        resolve();
      };
      child.once('exit', end);
      child.once('error', (error) => {
        this.output += String(error);
        end();
      });
    });
  }

  private signal(signal: NodeJS.Signals): void {
    const pid = this.child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has ended in between; `ended` tells.
    }
  }

  private notReady(why: string): AepError {
    const { name } = this.kind;
    return new AepError('AEP_BROKER_NOT_READY', 'retry', `${name}: ${why}; it said: ${this.output.slice(-2000)}`, {
      broker: name,
    });
  }

  private readonly onExit = (): void => {
    this.signal('SIGKILL');
    rmSync(this.place.folder, { recursive: true, force: true });
  };
}
