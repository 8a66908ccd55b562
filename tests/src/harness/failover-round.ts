import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerProcess } from '@aep/brokers';
import { describeViolations } from '../checker/invariants.js';
import { readStore } from '../checker/lmdb-image.js';
import { checkOrders } from '../checker/orders-effects.js';
import { FAULTS, type FaultName } from './failover-faults.js';
import { KillRound, type RoundOptions, settingOfEach } from './kill-round.js';
import type { PairNetwork } from './pair-network/pair-network.js';
import { type MemberName, MEMBERS, memberStore, PairProcesses } from './pair-processes.js';

export interface FailoverOptions extends Omit<RoundOptions, 'killsMax'> {
  readonly cycles: number;
  /** Drawn from by the seed; each must be possible with this network and arbiter. */
  readonly faults: readonly FaultName[];
  readonly network: PairNetwork;
  /** The arbiter, when it is a process of the network's. */
  readonly etcd?: BrokerProcess | undefined;
  /** Descriptor of an arbiter elsewhere. @default the network's etcd, or the embedded one */
  readonly arbiter?: string | undefined;
}

export interface FailoverResult {
  readonly lines: number;
  /**
   * An entry for each fault that there was work for: from the primary's loss to the first event that the other member
   * acknowledged, in milliseconds, when it is about that.
   */
  readonly faults: readonly { readonly name: FaultName; readonly tookMs: number | undefined }[];
}

/** Few transactions at a time: the work lasts longer than its lines cost, so that more failovers fall into it. */
const SLOWED = settingOfEach('LIMITS_TRANSACTIONSINFLIGHTMAX', '20');
const WORKING_MS_MAX = 300;

/**
 * One input through any number of faults: the next one comes when the two are a pair again (H35). After each, what has been
 * acknowledged is counted; the end is compared with the fold of the input, and both members' disks are checked.
 *
 * @throws what was lost, doubled or hung, with the seed
 */
export async function failoverRound(options: FailoverOptions): Promise<FailoverResult> {
  const { network, etcd, arbiter, cycles } = options;
  const round = new KillRound({ ...options, killsMax: cycles });
  const data = join(options.folder, 'pair');
  const environment = { ...round.environment, ...SLOWED };
  const { log, input, random } = round;
  const pair = await PairProcesses.create({ log, data, input, network, arbiter, environment });
  const faults: { name: FaultName; tookMs: number | undefined }[] = [];
  try {
    await pair.startAll();
    while (faults.length < cycles && !pair.isDone) {
      await delay(random.below(WORKING_MS_MAX));
      const name = options.faults[random.below(options.faults.length)]!;
      log.note('fault', { name, number: faults.length });
      const tookMs = await FAULTS[name].run({ pair, network, etcd, random, log });
      faults.push({ name, tookMs });
      log.note('over', { name, tookMs });
      await pair.paired();
      await pair.checkCounts();
    }
    await round.checkResult(await pair.finish());
    await pair.stopAll();
    for (const member of MEMBERS) await checkMember(round, data, member);
  } catch (thrown) {
    const what = `after ${faults.length} faults, the last ${faults.at(-1)?.name ?? 'none'}:`;
    throw new Error(`${what} ${thrown instanceof Error ? thrown.message : String(thrown)}\n${round.replay}`, {
      cause: thrown,
    });
  } finally {
    await pair.killAll();
  }
  return { lines: round.result.lines, faults };
}

/** Each member alone must hold everything: the other might not have come back. */
async function checkMember(round: KillRound, data: string, member: MemberName): Promise<void> {
  const images = new Map([
    ['gateway', await readStore(join(data, 'gateway'), 'gateway')],
    ['order-processor', await readStore(memberStore(data, member), 'order-processor')],
    ['ledger', await readStore(join(data, 'ledger'), 'ledger')],
  ]);
  const violations = checkOrders(images, { lines: round.lines, isComplete: true });
  round.log.note('checked', { member, violations: violations.length });
  if (violations.length > 0) throw new Error(`disk of ${member}:\n${describeViolations(violations)}`);
}
