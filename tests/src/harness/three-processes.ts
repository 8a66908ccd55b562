import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from './free-ports.js';
import { KillRound, type RoundOptions, type RoundResult, settingOfEach } from './kill-round.js';
import { ManagedProcess } from './managed-process.js';
import { ENGINES, ORDERS_MODEL } from './paths.js';

type EngineName = (typeof ENGINES)[number];

const MAIN = fileURLToPath(new URL('./orders-process.js', import.meta.url));
/** All three killed at once, and what they left checked, once in so many kills. */
const CHECK_EVERY = 8;
/** Longest time from the last kill to the end. */
const QUIET_MS_MAX = 120_000;
/** A third of the kills may come while a process starts, within about the time that this takes; the others while all work. */
const STARTING_MS_MAX = 700;
const WORKING_MS_MAX = 300;
/**
 * A round with gateway, processor and ledger in processes of their own over bus-direct: any of them is killed at random
 * moments and started again at once, while the others go on.
 */
export async function threeProcessRound(options: RoundOptions): Promise<RoundResult> {
  const round = new KillRound(options);
  const trio = new Trio(round, await freePorts(2));
  try {
    trio.startAll();
    while (!round.isSpent && (await trio.isBusyFor(await pause(round, trio)))) {
      if (round.kills % CHECK_EVERY === CHECK_EVERY - 1) await trio.killAllAndCheck();
      else await trio.killOne(ENGINES[round.random.below(ENGINES.length)]!);
    }
    await round.checkResult(await trio.finish());
    await round.checkDisks(trio.data, true);
  } finally {
    await trio.end();
  }
  return round.result;
}

/** Few transactions at a time: the work lasts longer than its lines cost, so that more kills fall into it. */
const SLOWED = settingOfEach('LIMITS_TRANSACTIONSINFLIGHTMAX', '40');

async function pause(round: KillRound, trio: Trio): Promise<number> {
  if (round.random.below(3) === 0) return round.random.below(STARTING_MS_MAX);
  await trio.allStarted();
  return round.random.below(WORKING_MS_MAX);
}

class Trio {
  readonly data: string;
  private readonly processes = new Map<EngineName, ManagedProcess>();
  private readonly environment: Readonly<Record<string, string>>;

  constructor(
    private readonly round: KillRound,
    [processorPort, ledgerPort]: readonly number[],
  ) {
    this.data = join(round.options.folder, 'killed');
    this.environment = {
      ...round.environment,
      ...SLOWED,
      ORDERS_INPUT: round.input,
      ORDERS_PROCESSOR_PORT: String(processorPort),
      ORDERS_LEDGER_PORT: String(ledgerPort),
    };
  }

  startAll(): void {
    for (const name of ENGINES) this.start(name);
  }

  async allStarted(): Promise<void> {
    await Promise.all([...this.processes.values()].map((child) => child.line(/^started$/)));
  }

  /** False when all work is done before that time. */
  async isBusyFor(durationMs: number): Promise<boolean> {
    const isDone = await Promise.race([this.isAtRest(), delay(durationMs, false, { ref: false })]);
    for (const [name, child] of this.processes) {
      if (!child.isRunning) throw new Error(`${name} ended by itself: ${child.errors}\n${this.round.replay}`);
    }
    return !isDone;
  }

  /** Resolves when one after the other has passed on all that it will ever get; false when one of them dies before. */
  private async isAtRest(): Promise<boolean> {
    const children = ENGINES.map((name) => this.processes.get(name)!);
    if ((await children[0]!.line(/^done$/)) === undefined) return false;
    for (const child of children) if ((await partOf(child)) === undefined) return false;
    return true;
  }

  async killOne(name: EngineName): Promise<void> {
    this.round.kills++;
    await this.round.end(this.processes.get(name)!);
    this.start(name);
  }

  /** Nobody writes any more, so sender and receiver can be compared. */
  async killAllAndCheck(): Promise<void> {
    this.round.kills++;
    await this.end();
    await this.round.checkDisks(this.data, false);
    this.startAll();
  }

  /** Waits for the end of the work and stops the three in order; their results together. */
  async finish(): Promise<unknown> {
    if (await this.isBusyFor(QUIET_MS_MAX)) {
      const errors = [...this.processes].map(([name, child]) => `${name}: ${child.errors}`).join('\n');
      throw new Error(`Liveness: not done ${QUIET_MS_MAX} ms after the last kill\n${errors}\n${this.round.replay}`);
    }
    const parts = new Map<EngineName, Record<string, unknown>>();
    // In the order of the flow: when one has come to rest, all that the next will ever get has been handed to it.
    for (const name of ENGINES) parts.set(name, await this.summaryOf(name));
    for (const name of ENGINES) {
      const { code } = await this.processes.get(name)!.kill('SIGTERM');
      if (code !== 0) throw new Error(`${name} stopped with ${code}\n${this.round.replay}`);
    }
    const { rejected } = parts.get('gateway')!;
    const { ledger } = parts.get('ledger')!;
    return { ...parts.get('order-processor')!, ledger, rejected };
  }

  async end(): Promise<void> {
    await Promise.all([...this.processes.values()].map((child) => child.kill('SIGKILL')));
  }

  private start(name: EngineName): void {
    const args = [MAIN, ORDERS_MODEL, name, this.data];
    this.processes.set(name, new ManagedProcess({ name, args, environment: this.environment }, this.round.log));
  }

  private async summaryOf(name: EngineName): Promise<Record<string, unknown>> {
    const child = this.processes.get(name)!;
    const part = await partOf(child);
    if (part === undefined) throw new Error(`${name} gave no summary: ${child.errors}\n${this.round.replay}`);
    return part;
  }
}

/** What a process has to say when it has come to rest; undefined when it dies before. */
async function partOf(child: ManagedProcess): Promise<Record<string, unknown> | undefined> {
  await child.line(/^started$/);
  const part = await child.ask('summary');
  return part === undefined ? undefined : (JSON.parse(part) as Record<string, unknown>);
}
