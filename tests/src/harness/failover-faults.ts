import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerProcess } from '@aep/brokers';
import type { Random } from '@aep/kernel';
import type { PairNetwork, Place } from './pair-network/pair-network.js';
import { MEMBERS, type PairProcesses } from './pair-processes.js';
import type { SupervisorLog } from './supervisor-log.js';

/** Where a fault happens. */
export interface Scene {
  readonly pair: PairProcesses;
  readonly network: PairNetwork;
  /** Undefined: the embedded arbiter, which is files that the members share; whoever kills a member kills its part of it. */
  readonly etcd: BrokerProcess | undefined;
  readonly random: Random;
  readonly log: SupervisorLog;
}

export interface Fault {
  /** What must be there for it. */
  readonly needs: readonly ('cuts' | 'etcd')[];
  /**
   * From a pair to what will be a pair again by itself. Answers the milliseconds from the primary's loss to the first event that
   * the other one acknowledged, when that is what it is about and there was work left.
   */
  readonly run: (scene: Scene) => Promise<number | undefined>;
}

/** Shorter than a member's patience (a second): half of the pauses and cuts end before anybody has drawn a conclusion. */
const SHORT_MS_MAX = 900;
/** For how long after its end a conclusion may still be on its way. */
const MORE_MS_MAX = 500;
const ARBITER_LOST_MS_MAX = 2_500;

/** By the name that `--faults` takes (H35). */
export const FAULTS = {
  'kill-primary': { needs: [], run: killPrimary },
  'kill-backup': { needs: [], run: killBackup },
  'pause-primary': { needs: [], run: pausePrimary },
  'pause-backup': { needs: [], run: pauseBackup },
  'cut-link': { needs: ['cuts'], run: (scene) => cutLink(scene, 'both') },
  'cut-to-backup': { needs: ['cuts'], run: (scene) => cutLink(scene, 'toBackup') },
  'cut-to-primary': { needs: ['cuts'], run: (scene) => cutLink(scene, 'toPrimary') },
  'cut-arbiter': { needs: ['cuts', 'etcd'], run: cutArbiter },
  'isolate-primary': { needs: ['cuts', 'etcd'], run: isolatePrimary },
  'kill-arbiter': { needs: ['etcd'], run: killArbiter },
  'pause-arbiter': { needs: ['etcd'], run: pauseArbiter },
  'kill-arbiter-and-primary': { needs: ['etcd'], run: killArbiterAndPrimary },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

async function killPrimary({ pair }: Scene): Promise<number | undefined> {
  const victim = pair.primary!;
  const acknowledged = await pair.arm();
  const killedAt = performance.timeOrigin + performance.now();
  await pair.process(victim).kill('SIGKILL');
  const at = await acknowledged();
  await pair.boot(victim);
  return at === undefined ? undefined : at - killedAt;
}

/** The zombie: it believes itself the primary when it wakes up, in the middle of its work. */
async function pausePrimary({ pair }: Scene): Promise<number | undefined> {
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

async function killBackup({ pair }: Scene): Promise<undefined> {
  const victim = pair.other(pair.primary!);
  await pair.process(victim).kill('SIGKILL');
  await pair.acknowledgesMore();
  await pair.boot(victim);
}

async function pauseBackup({ pair, random }: Scene): Promise<undefined> {
  const primary = pair.primary!;
  const backup = pair.process(pair.other(primary));
  backup.signal('SIGSTOP');
  try {
    if (random.below(2) === 0) await delay(random.below(SHORT_MS_MAX));
    else await pair.until('the primary goes on alone', () => pair.view(primary)!.members.length === 1);
  } finally {
    backup.signal('SIGCONT');
  }
}

async function cutLink(scene: Scene, what: 'both' | 'toBackup' | 'toPrimary'): Promise<undefined> {
  const { pair, random } = scene;
  const primary = pair.primary!;
  const backup = pair.other(primary);
  const cuts: (readonly [Place, Place])[] = [];
  if (what !== 'toPrimary') cuts.push([primary, backup]);
  if (what !== 'toBackup') cuts.push([backup, primary]);
  await whileCut(scene, cuts, async () => {
    if (random.below(2) === 0) return await delay(random.below(SHORT_MS_MAX));
    // Whoever asks the arbiter first: the primary goes on alone, or its partner takes over.
    const { epoch } = pair.view(primary)!;
    await pair.until('one of the two is alone', () => epochOf(pair) > epoch);
    await delay(random.below(MORE_MS_MAX));
  });
}

/** One member, or both, cannot ask the arbiter, or hear its answers. */
async function cutArbiter(scene: Scene): Promise<undefined> {
  const { pair, random } = scene;
  const primary = pair.primary!;
  const who = [[primary], [pair.other(primary)], [primary, pair.other(primary)]][random.below(3)]!;
  const direction = random.below(3);
  const cuts = who.flatMap((name): (readonly [Place, Place])[] => {
    const [asks, hears] = [[name, 'arbiter'] as const, ['arbiter', name] as const];
    return direction === 0 ? [asks] : direction === 1 ? [hears] : [asks, hears];
  });
  await whileCut(scene, cuts, () => delay(random.below(ARBITER_LOST_MS_MAX)));
}

/** The primary hears neither its partner nor the arbiter, so it cannot learn that it is none any more. Its senders still reach it. */
async function isolatePrimary(scene: Scene): Promise<undefined> {
  const { pair, random } = scene;
  const primary = pair.primary!;
  const backup = pair.other(primary);
  const cuts = [backup, 'arbiter'].flatMap((other) => [
    [primary, other as Place] as const,
    [other as Place, primary] as const,
  ]);
  await whileCut(scene, cuts, async () => {
    await pair.until('its partner has taken over', () => pair.primary === backup);
    await delay(random.below(MORE_MS_MAX));
  });
}

async function killArbiter({ etcd, random }: Scene): Promise<undefined> {
  await etcd!.kill();
  await delay(random.below(ARBITER_LOST_MS_MAX));
  await etcd!.start();
}

async function pauseArbiter({ etcd, random }: Scene): Promise<undefined> {
  etcd!.pause();
  try {
    await delay(random.below(ARBITER_LOST_MS_MAX));
  } finally {
    etcd!.resume();
  }
}

/** Nobody can take over until the arbiter is back. */
async function killArbiterAndPrimary({ pair, etcd, random }: Scene): Promise<undefined> {
  const victim = pair.primary!;
  await etcd!.kill();
  await pair.process(victim).kill('SIGKILL');
  await delay(random.below(ARBITER_LOST_MS_MAX));
  await etcd!.start();
  await pair.acknowledgesMore();
  await pair.boot(victim);
}

async function whileCut(
  { network, log }: Scene,
  cuts: readonly (readonly [Place, Place])[],
  action: () => Promise<void>,
): Promise<void> {
  log.note('cut', { cuts });
  for (const [from, to] of cuts) network.cut(from, to);
  try {
    await action();
  } finally {
    network.heal();
    log.note('healed');
  }
}

function epochOf(pair: PairProcesses): number {
  return Math.max(...MEMBERS.map((name) => pair.view(name)?.epoch ?? 0));
}
