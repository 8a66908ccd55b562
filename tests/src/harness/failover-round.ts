import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeViolations } from '../checker/invariants.js';
import { readStore } from '../checker/lmdb-image.js';
import { checkOrders } from '../checker/orders-effects.js';
import { KillRound, type RoundOptions, settingOfEach } from './kill-round.js';
import { type MemberName, MEMBERS, memberStore, PairProcesses } from './pair-processes.js';

export interface FailoverOptions extends RoundOptions {
  /** One failover in so many is a pause of the primary instead of its death; 0: none. */
  readonly zombieEvery: number;
  /** Descriptor. @default the embedded one */
  readonly arbiter?: string | undefined;
}

export interface FailoverResult {
  readonly lines: number;
  /** From the kill to the first event that the other member acknowledged, in milliseconds. */
  readonly killedMs: readonly number[];
  /** The same for primaries that were paused. */
  readonly pausedMs: readonly number[];
}

/** Few transactions at a time: the work lasts longer than its lines cost, so that more failovers fall into it. */
const SLOWED = settingOfEach('LIMITS_TRANSACTIONSINFLIGHTMAX', '20');
const WORKING_MS_MAX = 300;

/**
 * One input through any number of failovers: the primary is killed, or paused until its partner has taken over and then let
 * go on (H35). Each time the next one comes when the two are a pair again. The end is compared with the fold of the input, and
 * both members' disks are checked.
 *
 * @throws what was lost, doubled or hung, with the seed
 */
export async function failoverRound(options: FailoverOptions): Promise<FailoverResult> {
  const round = new KillRound(options);
  const data = join(options.folder, 'pair');
  const environment = { ...round.environment, ...SLOWED };
  const { log, input } = round;
  const pair = await PairProcesses.create({ log, data, input, arbiter: options.arbiter, environment });
  const killedMs: number[] = [];
  const pausedMs: number[] = [];
  try {
    await pair.startAll();
    while (!round.isSpent && !pair.isDone) {
      await delay(round.random.below(WORKING_MS_MAX));
      const isPause = options.zombieEvery > 0 && round.kills % options.zombieEvery === options.zombieEvery - 1;
      const tookMs = await (isPause ? pauseOne(pair) : killOne(pair));
      round.kills++;
      log.note('failed over', { isPause, tookMs });
      if (tookMs !== undefined) (isPause ? pausedMs : killedMs).push(tookMs);
      await pair.paired();
    }
    await round.checkResult(await pair.finish());
    await pair.stopAll();
    for (const member of MEMBERS) await checkMember(round, data, member);
  } catch (thrown) {
    throw new Error(`${thrown instanceof Error ? thrown.message : String(thrown)}\n${round.replay}`, { cause: thrown });
  } finally {
    await pair.killAll();
  }
  return { lines: round.result.lines, killedMs, pausedMs };
}

async function killOne(pair: PairProcesses): Promise<number | undefined> {
  const victim = pair.primary!;
  const acknowledged = await pair.arm();
  const killedAt = performance.timeOrigin + performance.now();
  await pair.process(victim).kill('SIGKILL');
  const at = await acknowledged();
  pair.start(victim);
  await pair.line(victim, /^started$/);
  return at === undefined ? undefined : at - killedAt;
}

/** The zombie: it believes itself the primary when it wakes up, in the middle of its work. */
async function pauseOne(pair: PairProcesses): Promise<number | undefined> {
  const zombie = pair.primary!;
  const acknowledged = await pair.arm();
  const pausedAt = performance.timeOrigin + performance.now();
  pair.process(zombie).signal('SIGSTOP');
  try {
    const at = await acknowledged();
    await pair.until('the partner of the paused member is primary', () => pair.primary !== zombie);
    return at === undefined ? undefined : at - pausedAt;
  } finally {
    pair.process(zombie).signal('SIGCONT');
  }
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
