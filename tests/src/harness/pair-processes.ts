import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ManagedProcess } from './managed-process.js';
import { LoopbackNetwork, type PairNetwork } from './pair-network/pair-network.js';
import { ORDERS_MODEL } from './paths.js';
import type { SupervisorLog } from './supervisor-log.js';

export const MEMBERS = ['processor-a', 'processor-b'] as const;
export type MemberName = (typeof MEMBERS)[number];
export type PairProcessName = MemberName | 'gateway' | 'ledger';

interface GroupView {
  readonly role: string;
  readonly epoch: number;
  readonly members: readonly string[];
}

export interface PairSetup {
  readonly log: SupervisorLog;
  readonly data: string;
  readonly input: string;
  /** @default loopback */
  readonly network?: PairNetwork;
  /** Descriptor. @default that of the network's etcd, or the embedded arbiter below the data directory */
  readonly arbiter?: string | undefined;
  readonly environment?: Readonly<Record<string, string>>;
}

const MAIN = fileURLToPath(new URL('./pair-process.js', import.meta.url));
/** What takes longer hangs. */
const WAIT_MS_MAX = 60_000;

/** The order example as a pair: gateway, two members of the order processor, ledger, each a process. */
export class PairProcesses {
  private readonly processes = new Map<PairProcessName, ManagedProcess>();

  private constructor(
    private readonly setup: PairSetup,
    private readonly network: PairNetwork,
  ) {}

  static async create(setup: PairSetup): Promise<PairProcesses> {
    return new PairProcesses(setup, setup.network ?? (await LoopbackNetwork.open()));
  }

  start(name: PairProcessName): ManagedProcess {
    const { data, input, arbiter, log } = this.setup;
    const environment = {
      ...this.setup.environment,
      ORDERS_INPUT: input,
      ...this.network.environment(name),
      ...(arbiter === undefined ? {} : { ORDERS_ARBITER: arbiter }),
    };
    const args = [MAIN, ORDERS_MODEL, name, data, this.network.profiles.join()];
    const child = new ManagedProcess({ name, args, environment, within: this.network.commandOf(name) }, log);
    this.processes.set(name, child);
    return child;
  }

  /** Resolves when it has started. */
  async boot(name: PairProcessName): Promise<void> {
    this.start(name);
    await this.line(name, /^started$/);
  }

  /** All four; resolves when the two members are paired and the gateway sends. */
  async startAll(): Promise<void> {
    this.start('ledger');
    await this.boot('processor-a');
    this.start('processor-b');
    await this.paired();
    await this.boot('gateway');
  }

  process(name: PairProcessName): ManagedProcess {
    return this.processes.get(name)!;
  }

  /** The member that said last that it is the primary. */
  get primary(): MemberName | undefined {
    let best: MemberName | undefined;
    for (const name of MEMBERS) {
      const view = this.view(name);
      if (view?.role === 'primary' && view.epoch > (best === undefined ? 0 : this.view(best)!.epoch)) best = name;
    }
    return best;
  }

  other(name: MemberName): MemberName {
    return name === 'processor-a' ? 'processor-b' : 'processor-a';
  }

  view(name: MemberName): GroupView | undefined {
    const child = this.processes.get(name);
    const line = child?.isRunning === true ? child.lines.findLast((one) => one.startsWith('group ')) : undefined;
    return line === undefined ? undefined : (JSON.parse(line.slice('group '.length)) as GroupView);
  }

  /** Both members are listed, and the one that is not the primary follows. */
  async paired(): Promise<void> {
    await this.until('the members are a pair', () => {
      const { primary } = this;
      if (primary === undefined) return false;
      return this.view(primary)!.members.length === 2 && this.view(this.other(primary))?.role === 'backup';
    });
  }

  /** Tells the gateway to note the first acknowledgement after the next loss of its connection. */
  async arm(): Promise<() => Promise<number | undefined>> {
    const gateway = this.process('gateway');
    const seen = gateway.lines.length;
    gateway.tell('arm');
    const after = (pattern: RegExp): string | undefined => gateway.lines.slice(seen).find((line) => pattern.test(line));
    await this.until('the gateway is armed', () => after(/^armed$/) !== undefined);
    return async () => {
      await this.until('an event is acknowledged again', () => after(/^acked /) !== undefined || this.isDone);
      const line = after(/^acked /);
      return line === undefined ? undefined : Number(line.slice('acked '.length));
    };
  }

  /** What a process answers to `look`. */
  async look(name: PairProcessName): Promise<Readonly<Record<string, number>>> {
    const child = this.process(name);
    const seen = child.lines.length;
    child.tell('look');
    const answer = (): string | undefined => child.lines.slice(seen).find((line) => line.startsWith('look '));
    await this.until(`${name} answers`, () => answer() !== undefined);
    return JSON.parse(answer()!.slice('look '.length)) as Record<string, number>;
  }

  /** Something that was not acknowledged before now is, or there is nothing left to do. */
  async acknowledgesMore(): Promise<void> {
    const { confirmed: before } = await this.look('gateway');
    await this.until(
      'an event is acknowledged again',
      async () => this.isDone || (await this.look('gateway'))['confirmed'] !== before,
    );
  }

  /**
   * With counts, while everything runs: what was acknowledged and what has passed on is in the primary's state, and nothing is
   * there twice. The end of a round compares more than counts.
   *
   * @throws with the counts
   */
  async checkCounts(): Promise<void> {
    // In this order: each is read before what must have it, and `sent` after what may not have more.
    const { confirmed } = await this.look('gateway');
    const { lines: passedOn } = await this.look('ledger');
    const { lines, events } = await this.lookAtPrimary();
    const { sent } = await this.look('gateway');
    const counts = { confirmed, passedOn, lines, events, sent };
    this.setup.log.note('counted', counts);
    if (confirmed! > lines! || passedOn! > events!) throw new Error(`LOST: ${JSON.stringify(counts)}`);
    if (lines! > sent!) throw new Error(`DOUBLED: ${JSON.stringify(counts)}`);
  }

  private async lookAtPrimary(): Promise<Readonly<Record<string, number>>> {
    let seen: Readonly<Record<string, number>> = {};
    await this.until('the engine of the primary runs', async () => {
      seen = await this.look(this.primary!);
      return 'lines' in seen;
    });
    return seen;
  }

  /** The gateway has passed on all of its input. */
  get isDone(): boolean {
    return this.process('gateway').lines.includes('done');
  }

  /** Waits for the end of the work; the results of gateway, primary and ledger together. */
  async finish(): Promise<unknown> {
    await this.until('the input has been worked off', () => this.isDone, 10 * WAIT_MS_MAX);
    await this.paired();
    const gateway = await this.summary('gateway');
    const processor = await this.summary(this.primary!);
    const ledger = await this.summary('ledger');
    return { ...processor, ledger: ledger['ledger'], rejected: gateway['rejected'] };
  }

  /** SIGTERM to all, senders first. @throws when one does not end in order */
  async stopAll(): Promise<void> {
    const { primary } = this;
    const members = primary === undefined ? MEMBERS : ([this.other(primary), primary] as const);
    for (const name of ['gateway', ...members, 'ledger'] as const) {
      const { code, signal } = await this.process(name).kill('SIGTERM');
      if (code !== 0) throw new Error(`${name} stopped with ${code ?? signal}: ${this.process(name).errors}`);
    }
  }

  async killAll(): Promise<void> {
    await Promise.all([...this.processes.values()].map((child) => child.kill('SIGKILL')));
  }

  async line(name: PairProcessName, pattern: RegExp): Promise<string> {
    const line = await this.process(name).line(pattern);
    if (line === undefined) throw new Error(`${name} ended: ${this.process(name).errors}`);
    return line;
  }

  /** @throws when it takes too long, or a process has ended that nobody killed */
  async until(what: string, condition: () => boolean | Promise<boolean>, waitMsMax = WAIT_MS_MAX): Promise<void> {
    const endMs = performance.now() + waitMsMax;
    while (!(await condition())) {
      const ended = [...this.processes].find(([, child]) => child.endedByItself);
      if (ended !== undefined || performance.now() > endMs) throw new Error(this.trouble(what, ended?.[0]));
      await delay(2);
    }
  }

  private async summary(name: PairProcessName): Promise<Record<string, unknown>> {
    const part = await this.process(name).ask('summary');
    if (part === undefined) throw new Error(`${name} ended: ${this.process(name).errors}`);
    return JSON.parse(part) as Record<string, unknown>;
  }

  private trouble(what: string, ended: PairProcessName | undefined): string {
    const why = ended === undefined ? 'waited too long' : `${ended} ended by itself`;
    const views = MEMBERS.map((name) => `${name}: ${JSON.stringify(this.view(name))}`);
    const errors = [...this.processes].map(([name, child]) => `${name} said:\n${child.errors.slice(-4_000)}`);
    return [`until ${what}: ${why}`, ...views, ...errors].join('\n');
  }
}

/** Stores of the members below a data directory. */
export function memberStore(data: string, name: MemberName): string {
  return join(data, 'order-processor', name);
}
