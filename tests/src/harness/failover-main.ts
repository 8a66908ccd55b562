import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { etcdServer } from '@aep/brokers';
import { exitOnSignals } from './exit-on-signals.js';
import { type Fault, type FaultName, FAULTS } from './failover-faults.js';
import { failoverRound } from './failover-round.js';
import {
  becomeRouter,
  inOwnNetwork,
  isInOwnNetwork,
  NamespaceNetwork,
  namespacesMissing,
} from './pair-network/namespaces.js';
import { LoopbackNetwork, type PairNetwork } from './pair-network/pair-network.js';
import { ProxiedNetwork } from './pair-network/proxied-network.js';

const HELP = `npm run failover -- [--cycles N] [--seed S] [--faults all|NAME,NAME…] [--arbiter embedded|etcd|both|DESCRIPTOR] [--cuts auto|namespaces|proxy]

A pair of order processors under load, and one fault after the other; after each, and at the end of every 20 of them, what was
acknowledged is compared with what is there. Without options the primary is killed 20 times with the embedded arbiter.

Faults: ${Object.keys(FAULTS).join(', ')}.
Those of the arbiter need one that is a process: etcd. The embedded one is files that the members share.
Cuts are made between network namespaces where the machine lets us make them (Linux, root or user namespaces), else by proxies.
`;
const PER_ROUND = 20;
/** Lines that are worked off in the time of one fault and the return to a pair: nothing is while a pair waits for its patience. */
const LINES_PER_KILL = 3_000;
const LINES_PER_FAULT = 2_500;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    cycles: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    faults: { type: 'string', default: 'kill-primary' },
    arbiter: { type: 'string', default: 'embedded' },
    cuts: { type: 'string', default: 'auto' },
  },
});

// Not left to the event loop's end, where Node 20 can hang (see scripts/start.mjs).
process.exit(values.help ? help() : await main());

function help(): number {
  write(HELP);
  return 0;
}

async function main(): Promise<number> {
  const faults = namesOf(values.faults);
  const arbiters = arbitersOf(values.arbiter);
  if (faults === undefined || arbiters === undefined) return 2;
  const plans = arbiters
    .map((arbiter) => ({ arbiter, faults: faults.filter((name) => arbiter === 'etcd' || !needs(name, 'etcd')) }))
    .filter((plan) => plan.faults.length > 0);
  if (plans.length === 0) {
    write('these faults are those of an arbiter that is a process: add --arbiter etcd');
    return 2;
  }
  let openNetwork: () => Promise<PairNetwork> = () => LoopbackNetwork.open();
  if (faults.some((name) => needs(name, 'cuts'))) {
    const missing = values.cuts === 'proxy' ? 'not wanted' : namespacesMissing();
    if (missing === undefined && !isInOwnNetwork()) return await inOwnNetwork();
    if (missing !== undefined) write(`NETWORK NAMESPACES DID NOT RUN: ${missing}; proxies make the cuts`);
    if (missing !== undefined && values.cuts === 'namespaces') return 1;
    if (missing === undefined) becomeRouter();
    openNetwork = () => (missing === undefined ? NamespaceNetwork.open() : ProxiedNetwork.open());
  }
  exitOnSignals();
  return await runAll(plans, openNetwork);
}

interface Plan {
  readonly arbiter: string;
  readonly faults: readonly FaultName[];
}

async function runAll(plans: readonly Plan[], openNetwork: () => Promise<PairNetwork>): Promise<number> {
  const base = mkdtempSync(join(tmpdir(), 'aep-failover-'));
  const cycles = Number(values.cycles);
  const took = new Map<FaultName, (number | undefined)[]>();
  let seed = Number(values.seed);
  let [done, lines, failed] = [0, 0, 0];
  write(`${cycles} faults of a pair under load, seed ${seed}`);
  for (let round = 0; done < cycles && failed === 0; round++, seed++) {
    const plan = plans[round % plans.length]!;
    // Each arbiter has its turn, however few there are.
    const count = Math.min(PER_ROUND, Math.ceil(cycles / plans.length), cycles - done);
    const folder = join(base, `round-${seed}`);
    let network: PairNetwork | undefined;
    try {
      network = await openNetwork();
      const result = await oneRound({ plan, network, folder, seed, count });
      for (const { name, tookMs } of result.faults) took.set(name, [...(took.get(name) ?? []), tookMs]);
      done += result.faults.length;
      lines += result.lines;
      rmSync(folder, { recursive: true, force: true });
      const names = result.faults.map(({ name }) => name).join(' ');
      write(`seed ${seed}, ${plan.arbiter}, ${network.description}: ${result.lines} lines, ${names}`);
    } catch (thrown) {
      failed++;
      write(thrown instanceof Error ? thrown.message : String(thrown));
    } finally {
      await network?.close();
    }
  }
  tell(took, `over ${lines} lines: ${failed === 0 ? '0 lost, 0 doubled' : 'FAILED'}`);
  if (failed === 0) rmSync(base, { recursive: true, force: true });
  return failed === 0 ? 0 : 1;
}

async function oneRound(options: {
  readonly plan: Plan;
  readonly network: PairNetwork;
  readonly folder: string;
  readonly seed: number;
  readonly count: number;
}): ReturnType<typeof failoverRound> {
  const { plan, network, folder, seed, count } = options;
  const etcd = plan.arbiter === 'etcd' ? await (await network.addEtcd()).start() : undefined;
  try {
    return await failoverRound({
      seed,
      folder,
      cycles: count,
      lineCount: count * (plan.faults.join() === 'kill-primary' ? LINES_PER_KILL : LINES_PER_FAULT),
      faults: plan.faults,
      network,
      etcd,
      arbiter: plan.arbiter.includes('://') ? plan.arbiter : undefined,
    });
  } finally {
    await etcd?.dispose();
  }
}

function tell(took: ReadonlyMap<FaultName, readonly (number | undefined)[]>, end: string): void {
  const times = (name: FaultName): number[] => (took.get(name) ?? []).filter((ms) => ms !== undefined);
  const counts = [...took].map(([name, all]) => `${all.length} ${name}`);
  write(`${counts.join(', ')} ${end}`);
  write(`time from kill -9 to the first newly acknowledged event: ${describe(times('kill-primary'))}`);
  if (took.has('pause-primary')) write(`the same from a pause (SIGSTOP, SIGCONT): ${describe(times('pause-primary'))}`);
}

function describe(times: readonly number[]): string {
  if (times.length === 0) return 'none';
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
}

function namesOf(list: string): readonly FaultName[] | undefined {
  const all = Object.keys(FAULTS) as FaultName[];
  if (list === 'all') return all;
  const names = list.split(',');
  const unknown = names.find((name) => !all.includes(name as FaultName));
  if (unknown === undefined) return names as FaultName[];
  write(`there is no fault "${unknown}": ${all.join(', ')}, or all`);
  return undefined;
}

function arbitersOf(which: string): readonly string[] | undefined {
  if (which.includes('://') || which === 'embedded') return [which];
  if (which !== 'etcd' && which !== 'both') {
    write(`there is no arbiter "${which}": embedded, etcd, both or a descriptor`);
    return undefined;
  }
  const missing = etcdServer().missing();
  if (missing === undefined) return which === 'both' ? ['embedded', 'etcd'] : ['etcd'];
  write(`etcd: DID NOT RUN: ${missing}`);
  return which === 'both' ? ['embedded'] : undefined;
}

function needs(name: FaultName, what: Fault['needs'][number]): boolean {
  return (FAULTS[name].needs as Fault['needs']).includes(what);
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
