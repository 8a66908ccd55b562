import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type BrokerKind, BrokerProcess } from '@aep/brokers';
import { toError } from '@aep/kernel';
import { KillRound, type RoundOptions, type RoundResult, settingOfEach } from './kill-round.js';
import { ManagedProcess } from './managed-process.js';
import { ENGINES, ORDERS_MODEL } from './paths.js';

type EngineName = (typeof ENGINES)[number];

export interface BrokerRoundOptions extends RoundOptions {
  readonly kind: BrokerKind;
  /** Of the order example's model. */
  readonly profile: string;
}

const MAIN = fileURLToPath(new URL('./orders-process.js', import.meta.url));
const PAUSE_MS_MAX = 500;
/** Longest time from the last kill to the end: a broker that was killed has to be started, and to recover. */
const QUIET_MS_MAX = 180_000;
const POLL_MS = 250;
/** What came twice would be counted after a while of nothing. */
const SETTLED_MS = 1000;
/** Few transactions at a time: the work lasts longer than its lines cost, so that more kills fall into it. */
const SLOWED = settingOfEach('LIMITS_TRANSACTIONSINFLIGHTMAX', '40');

/**
 * A round with gateway, processor and ledger in processes of their own and a real broker between them: any of the four is killed at random
 * moments and started again. A broker has custody of what is under way, so the end is when the results are what the input adds up to,
 * and they must stay so.
 */
export async function brokerRound(options: BrokerRoundOptions): Promise<RoundResult> {
  const round = new KillRound(options);
  const broker = await (await BrokerProcess.create(options.kind)).start();
  const trio = new BrokerTrio(round, options.profile, broker);
  try {
    for (const name of ENGINES) trio.start(name);
    while (!round.isSpent) {
      await delay(round.random.below(PAUSE_MS_MAX));
      const victim = round.random.below(ENGINES.length + 1);
      round.kills++;
      if (victim === ENGINES.length) await trio.restartBroker();
      else await trio.killOne(ENGINES[victim]!);
    }
    await trio.finish();
    await round.checkDisks(trio.data, true);
  } finally {
    await trio.end();
    await broker.dispose();
  }
  return round.result;
}

class BrokerTrio {
  readonly data: string;
  private readonly processes = new Map<EngineName, ManagedProcess>();

  constructor(
    private readonly round: KillRound,
    private readonly profile: string,
    private readonly broker: BrokerProcess,
  ) {
    this.data = join(round.options.folder, 'killed');
  }

  start(name: EngineName): void {
    const environment = {
      ...this.round.environment,
      ...SLOWED,
      // A broker that is being started again is no reason to give up (E91).
      ...settingOfEach('MESSAGING_MESSAGINGSTARTFAILPOLICY', 'NeverFail'),
      ORDERS_INPUT: this.round.input,
      ORDERS_BROKER_PORT: String(this.broker.port),
    };
    const args = [MAIN, ORDERS_MODEL, name, this.data, this.profile];
    this.processes.set(name, new ManagedProcess({ name, args, environment }, this.round.log));
  }

  async killOne(name: EngineName): Promise<void> {
    await this.round.end(this.processes.get(name)!);
    this.start(name);
  }

  async restartBroker(): Promise<void> {
    this.round.log.note('broker killed', {});
    await this.broker.restart();
    this.round.log.note('broker is back', {});
  }

  /** Waits for the results, sees that nothing is added to them, and stops all in order. */
  async finish(): Promise<void> {
    const deadlineMs = performance.now() + QUIET_MS_MAX;
    let problem: Error | undefined;
    do {
      await delay(POLL_MS);
      problem = await this.whyNotDone();
    } while (problem !== undefined && performance.now() < deadlineMs);
    await delay(SETTLED_MS);
    problem = await this.whyNotDone();
    if (problem !== undefined) throw problem;
    for (const name of ENGINES) {
      const { code } = await this.processes.get(name)!.kill('SIGTERM');
      if (code !== 0) throw new Error(`${name} stopped with ${code}\n${this.round.replay}`);
    }
  }

  async end(): Promise<void> {
    await Promise.all([...this.processes.values()].map((child) => child.kill('SIGKILL')));
  }

  private async whyNotDone(): Promise<Error | undefined> {
    const parts = new Map<EngineName, Record<string, unknown>>();
    for (const name of ENGINES) parts.set(name, await this.partOf(name));
    const { rejected } = parts.get('gateway')!;
    const { ledger } = parts.get('ledger')!;
    try {
      await this.round.checkResult({ ...parts.get('order-processor')!, ledger, rejected });
      return undefined;
    } catch (thrown) {
      return toError(thrown);
    }
  }

  private async partOf(name: EngineName): Promise<Record<string, unknown>> {
    const child = this.processes.get(name)!;
    await child.line(/^started$/);
    const part = await child.ask('summary');
    if (part === undefined) throw new Error(`${name} ended by itself: ${child.errors}\n${this.round.replay}`);
    return JSON.parse(part) as Record<string, unknown>;
  }
}
