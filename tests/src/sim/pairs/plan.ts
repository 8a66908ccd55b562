import { MARKS, type MarkName } from '@aep/cluster';
import { SeededRandom } from '@aep/kernel';
import type { InputContent } from './counter-app.js';

/** Kinds of faults, each of which is off in three of ten seeds (H31). */
export const FAULTS = [
  /** `kill -9`: what was being written is on the disk, or not, or a part of it. */
  'kill',
  /** The power of a machine, or of all. */
  'power',
  /** An orderly end of the process. */
  'stop',
  /** A person hands the primary over to another member (H8). */
  'switch',
  /** A machine comes back with an empty disk. */
  'diskLoss',
  'failingSync',
  'failingApply',
  'slowDisk',
  /** A disk that answers no more. */
  'hangingDisk',
  'cut',
  'oneWayCut',
  'reset',
  /** SIGSTOP and SIGCONT. */
  'pause',
  'arbiterDown',
  'arbiterCut',
  'arbiterLossy',
  'arbiterSlow',
  /** The address of the primary that the arbiter tells is that of another machine, as after a change of addresses. */
  'wrongAddress',
  'brokerReset',
  'brokerCut',
  'wallJump',
  /** Something happens at the very moment when a member gets to a rare branch. */
  'ambush',
  /** No room for a while (S4). */
  'fullDisk',
  /** A bit of a record flips while the power is off (S5); whoever finds out replaces the disk. */
  'damage',
  /** The disk that was replaced last is put back: older, and of another member than the one that is listed (H3). */
  'oldDisk',
  /** The primary is cut off from all but its clients until it has a successor; then whoever looks for that one is sent to it. */
  'zombie',
  /**
   * A backup has an older disk of its own for a while and catches up on it, while the primary cannot change the register, which
   * lists the newer one; then it has the newer one again, and the primary dies (H3).
   */
  'swappedDisks',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface Action {
  readonly atMs: number;
  readonly fault: Fault;
  /** Which machine, and which other one. */
  readonly machine: number;
  readonly other: number;
  readonly durationMs: number;
  /** For whatever else there is to choose. */
  readonly chance: number;
  readonly mark: MarkName;
}

export interface PlannedInput extends InputContent {
  readonly atMs: number;
  readonly sender: number;
  readonly flow: number;
  readonly sno: number;
  /** Handed over twice; the second time so much later. */
  readonly againAfterMs: number | undefined;
}

/** Everything that a seed chooses before its world begins. */
export interface Plan {
  readonly seed: number;
  readonly members: number;
  /** Faults stop here, and liveness is asked for. */
  readonly safetyMs: number;
  readonly actions: readonly Action[];
  readonly inputs: readonly PlannedInput[];
  readonly paces: readonly number[];
  readonly network: { readonly delayMs: number; readonly jitterMs: number; readonly pieceBytesMax: number };
  readonly disk: { readonly commitMs: number; readonly applyMs: number };
  readonly limits: Readonly<
    Record<
      | 'heartbeatMs'
      | 'silenceMs'
      | 'handshakeMs'
      | 'takeOverAfterMs'
      | 'headStartMs'
      | 'soloAfterMs'
      | 'reconnectMinMs'
      | 'reconnectMaxMs'
      | 'registerPollMs'
      | 'registerRetryMs'
      | 'windowBytes'
      | 'recentBytesMax'
      | 'frameBytesMax'
      | 'pairWithinRecords'
      | 'copyChunkBytesMax'
      | 'copyWindowChunks'
      | 'catchUpBytesPerSecond'
      | 'checkpointIntervalMs'
      | 'switchTimeoutMs',
      number
    >
  >;
  readonly engine: Readonly<
    Record<
      | 'inboundQueueMax'
      | 'transactionsInFlightMax'
      | 'outboundPendingMax'
      | 'commitBatchMax'
      | 'eventsPerTurnMax'
      | 'checkpointIntervalMs'
      | 'journalRetentionRecords',
      number
    >
  >;
  /** With `none` a takeover may lose what the others had not received (H10), and an old primary goes on until it hears of its successor. */
  readonly acks: 'members' | 'none';
  readonly inboundAck: 'OnSendStability' | 'OnStoreStability';
  readonly runBytesMax: number;
  readonly waitingBytesMax: number;
  readonly brokerWindowMax: number;
  /** Less than a slow arbiter takes: a change may happen after its answer was given up. */
  readonly arbiterTimeoutMs: number;
  /** After everything has come to rest all processes are killed and begin anew. */
  readonly hasColdRestart: boolean;
  /** At the very end everybody is stopped in order. */
  readonly hasOrderlyEnd: boolean;
  /** The application is event-sourced, and backups run its handlers (H11); 0: it replicates state changes. */
  readonly snapshotEvery: number;
}

/** How often a class of faults strikes at most in one seed. */
const STRIKES_MAX: Readonly<Record<Fault, number>> = {
  kill: 5,
  power: 2,
  stop: 2,
  switch: 3,
  diskLoss: 2,
  failingSync: 2,
  failingApply: 1,
  slowDisk: 3,
  hangingDisk: 1,
  cut: 4,
  oneWayCut: 3,
  reset: 4,
  pause: 4,
  arbiterDown: 2,
  arbiterCut: 2,
  arbiterLossy: 3,
  arbiterSlow: 3,
  wrongAddress: 3,
  brokerReset: 3,
  brokerCut: 2,
  wallJump: 2,
  ambush: 4,
  fullDisk: 2,
  damage: 2,
  oldDisk: 2,
  zombie: 1,
  swappedDisks: 1,
};

/** What plans are drawn from. A seed that is kept knows only what there was at its time. */
export interface Drawing {
  /** Leaving out the last ones changes nothing of the others. */
  readonly faults: readonly Fault[];
  /** Whether the application sets timers. */
  readonly alarms: boolean;
  /** Whether some groups work with `acks: none`. */
  readonly acks: boolean;
  /** Whether in some groups a member that joins is sent little at a time while records come in. */
  readonly paces: boolean;
}

export const DRAWING: Drawing = { faults: FAULTS, alarms: true, acks: true, paces: true };

/** Of one seed, always the same one. */
export function planOf(seed: number, { faults, alarms, acks, paces }: Drawing = DRAWING): Plan {
  const random = new SeededRandom(seed);
  const swarm = random.split();
  const members = swarm.below(4) === 0 ? 3 : 2;
  const safetyMs = 80 + swarm.below(300);
  const recordsKept = swarm.below(2) === 0 ? 10_000 : swarm.below(20);
  const actions = actionsOf(random.split(), { faults, members, safetyMs });
  const inputs = inputsOf(random.split(), safetyMs);
  const alarmed = alarms ? withAlarms(random.split(), inputs) : undefined;
  const isAsynchronous = acks && random.below(8) === 0;
  const isPaced = paces && random.below(2) === 0;
  return {
    seed,
    members,
    safetyMs,
    // A successor has only the wall clock to tell how much of a timer has passed: where that one jumps, alarms ring at any time.
    actions: alarmed === undefined ? actions : actions.filter(({ fault }) => fault !== 'wallJump'),
    inputs: alarmed ?? inputs,
    paces: Array.from({ length: members }, () => (swarm.below(2) === 0 ? 1 : 0.7 + swarm.float() * 0.6)),
    network: {
      delayMs: 0.05 + swarm.float() * 0.3,
      jitterMs: swarm.below(2) === 0 ? 0 : swarm.float() * 3,
      pieceBytesMax: swarm.below(3) === 0 ? 40 + swarm.below(200) : 65_536,
    },
    disk: { commitMs: swarm.float() * 2, applyMs: swarm.below(2) === 0 ? 0 : swarm.float() * 5 },
    limits: {
      heartbeatMs: 20,
      silenceMs: 45 + swarm.below(60),
      handshakeMs: 60,
      takeOverAfterMs: 15 + swarm.below(60),
      headStartMs: 1 + swarm.below(5),
      soloAfterMs: 1 + swarm.below(60),
      reconnectMinMs: 1 + swarm.below(3),
      reconnectMaxMs: 20,
      registerPollMs: 100,
      registerRetryMs: 5 + swarm.below(10),
      windowBytes: 300 + swarm.below(swarm.below(2) === 0 ? 2_000 : 20_000),
      recentBytesMax: swarm.below(2) === 0 ? 100_000 : 1 + swarm.below(2_000),
      frameBytesMax: 1_000_000,
      pairWithinRecords: swarm.below(2) === 0 ? 10_000 : 1 + swarm.below(5),
      copyChunkBytesMax: 100 + swarm.below(500),
      copyWindowChunks: 1 + swarm.below(3),
      catchUpBytesPerSecond: isPaced ? 1 + random.below(100_000) : 2 ** 25,
      checkpointIntervalMs: 2 + swarm.below(30),
      switchTimeoutMs: 150,
    },
    engine: {
      inboundQueueMax: 4 + swarm.below(30),
      transactionsInFlightMax: 4 + swarm.below(60),
      outboundPendingMax: 4 + swarm.below(60),
      commitBatchMax: 1 + swarm.below(16),
      eventsPerTurnMax: 1 + swarm.below(16),
      checkpointIntervalMs: 2 + swarm.below(30),
      journalRetentionRecords: recordsKept,
    },
    inboundAck: swarm.below(2) === 0 ? 'OnSendStability' : 'OnStoreStability',
    runBytesMax: 1_024 + swarm.below(4_000),
    waitingBytesMax: swarm.below(2) === 0 ? 4_096 : 1_000_000,
    brokerWindowMax: 1 + swarm.below(swarm.below(2) === 0 ? 8 : 60),
    arbiterTimeoutMs: 15 + swarm.below(80),
    hasColdRestart: swarm.below(4) === 0,
    hasOrderlyEnd: swarm.below(6) === 0,
    snapshotEvery: swarm.below(4) === 1 && !isAsynchronous ? 2 + swarm.below(12) : 0,
    acks: isAsynchronous ? 'none' : 'members',
  };
}

function actionsOf(
  random: SeededRandom,
  { faults, members, safetyMs }: { faults: readonly Fault[]; members: number; safetyMs: number },
): Action[] {
  const actions: Action[] = [];
  for (const fault of faults) {
    // Drawn in any case, so that leaving out a class changes nothing of the others.
    const own = random.split();
    const isOff = own.float() < 0.3;
    const strikes = isOff ? 0 : 1 + own.below(STRIKES_MAX[fault]);
    for (let strike = 0; strike < strikes; strike++) {
      const machine = own.below(members);
      actions.push({
        // Some at the very beginning, where the group is founded.
        atMs: own.float() * (own.below(5) === 0 ? 15 : safetyMs),
        fault,
        machine,
        other: (machine + 1 + own.below(members - 1)) % members,
        durationMs: own.below(2) === 0 ? own.float() * 20 : own.float() * 150,
        chance: own.uint32(),
        mark: MARKS[own.below(MARKS.length)]!,
      });
    }
  }
  return actions.sort((a, b) => a.atMs - b.atMs);
}

const INPUTS_MAX = 30;

function inputsOf(random: SeededRandom, safetyMs: number): PlannedInput[] {
  const senders = 1 + random.below(3);
  const flows = 1 + random.below(2);
  const count = 3 + random.below(INPUTS_MAX);
  const poisonRate = random.below(3) === 0 ? 0.2 : 0;
  const last = new Map<string, number>();
  const times = Array.from({ length: count }, () => random.float() * safetyMs).sort((a, b) => a - b);
  return times.map((atMs, index) => {
    const sender = 1 + random.below(senders);
    const flow = random.below(flows);
    const sno = (last.get(`${sender} ${flow}`) ?? 0) + 1;
    last.set(`${sender} ${flow}`, sno);
    return {
      atMs,
      sender,
      flow,
      sno,
      number: index + 1,
      account: random.below(6),
      amount: random.below(1_000) - 300,
      outputs: random.below(3),
      poison: random.float() < poisonRate,
      againAfterMs: random.below(6) === 0 ? random.float() * 100 : undefined,
      alarmMs: 0,
    };
  });
}

/** In some seeds: the same, and some of them set an alarm. */
function withAlarms(random: SeededRandom, inputs: readonly PlannedInput[]): PlannedInput[] | undefined {
  if (random.below(3) > 0) return undefined;
  return inputs.map((input) => ({ ...input, alarmMs: random.below(2) === 0 ? 1 + random.below(200) : 0 }));
}
