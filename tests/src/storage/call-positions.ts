import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@aep/kernel';
import { Findings, type Violation } from '../checker/invariants.js';
import { type CallFault, type CallPosition, readHit, type Workload, wrongEnd } from './call-ends.js';
import { checkByOpening, checkStoreFiles, readReport } from './store-check.js';
import { traceWriter, WRITING_CALLS, type WriterEnd, type WriterRun } from './strace.js';

export interface PositionFinding {
  readonly position: string;
  readonly violations: readonly Violation[];
}

const TRANSACTIONS = 30;
/** Kills one after another in starts that each have to recover. */
const RECOVERY_DEPTH = 5;
/** Writing calls of one kind in a start that recovers: few, so that most of the kills come before it has ended. */
const RECOVERY_CALLS = 6;
/** What a short write says that it wrote; less than any write of LMDB has. Nothing is written. */
const SHORT_BYTES = 64;

/** All positions of the reference workloads, in a seeded order: any part of them is a fair sample. */
export async function listPositions(seed: number): Promise<CallPosition[]> {
  const positions: CallPosition[] = [];
  for (const workload of WORKLOADS) positions.push(...(await positionsOf(workload)));
  const random = new SeededRandom(seed);
  return positions
    .map((position) => ({ position, order: random.float() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ position }) => position);
}

const WORKLOADS: readonly Workload[] = ['in a child', 'by itself', 'behind'];
const SYNCS: readonly string[] = ['fdatasync', 'fsync', 'msync'];

async function positionsOf(workload: Workload): Promise<CallPosition[]> {
  const folder = newFolder();
  const trace = join(folder, 'trace');
  await prepare(folder, workload);
  await traceWriter(runOf(folder, workload), ['-o', trace, '-e', `trace=${WRITING_CALLS.join(',')}`]);
  const { isDone } = readReport(folder);
  const lines = readFileSync(trace, 'utf8').split('\n');
  rmSync(folder, { recursive: true, force: true });
  if (!isDone) throw new Error(`the reference workload ${workload} did not end without a fault`);
  return WRITING_CALLS.flatMap((call) => {
    // strace counts the calls of each thread for itself; the busiest one has all of them.
    const ofThreads = new Map<string, number>();
    for (const line of lines.filter((one) => one.includes(` ${call}(`))) {
      const thread = line.slice(0, line.indexOf(' '));
      ofThreads.set(thread, (ofThreads.get(thread) ?? 0) + 1);
    }
    const count = Math.max(0, ...ofThreads.values());
    const faults: readonly CallFault[] = SYNCS.includes(call) ? ['KILL', 'EIO'] : ['KILL', 'EIO', 'ENOSPC', 'SHORT'];
    return Array.from({ length: count }, (_, index) =>
      faults.map((fault) => ({ workload, call, when: index + 1, fault })),
    ).flat();
  });
}

function runOf(folder: string, workload: Workload): WriterRun {
  if (workload === 'behind') return { folder, transactions: TRANSACTIONS, commitMode: 'async' };
  // A store is made and nothing more, so that the child has made most of the calls.
  if (workload === 'in a child') return { folder, transactions: 0, maker: 'child' };
  return { folder, transactions: TRANSACTIONS };
}

/** Commits behind are counted in a store that exists: its making would have the first ones. */
async function prepare(folder: string, workload: Workload): Promise<void> {
  if (workload !== 'behind') return;
  await traceWriter({ folder, transactions: 0 }, ['-o', '/dev/null', '-e', 'trace=none']);
  rmSync(join(folder, 'report'));
}

/** Runs a reference workload with one fault and checks how it ended and what is on the disk. */
export async function tryPosition(position: CallPosition): Promise<PositionFinding | undefined> {
  const { workload, call, when, fault } = position;
  const folder = newFolder();
  await prepare(folder, workload);
  const end = await traceWriter(runOf(folder, workload), injection(position, join(folder, 'trace')));
  const violations = [...checkEnd(folder, position, end), ...(await checkStores(folder))];
  return conclude(folder, `${workload}: ${fault} at ${call} ${when}`, violations);
}

/** A store whose tables lag behind is killed again and again while it recovers; nothing of it may be lost. */
export async function tryRecovery(seed: number): Promise<PositionFinding | undefined> {
  const random = new SeededRandom(seed);
  const folder = newFolder();
  const kills: string[] = [];
  const violations: Violation[] = [];
  for (let depth = 0; depth <= RECOVERY_DEPTH && violations.length === 0; depth++) {
    const call = ['fdatasync', 'pwrite64', 'writev'][random.below(3)]!;
    const when = depth === 0 ? 15 + random.below(15) : 1 + random.below(RECOVERY_CALLS);
    kills.push(`${call} ${when}`);
    await traceWriter({ folder, transactions: TRANSACTIONS }, injection({ call, when, fault: 'KILL' }, '/dev/null'));
    violations.push(...(await checkStoreFiles(join(folder, 'store'), readReport(folder).stableTxId)));
  }
  if (violations.length === 0) violations.push(...(await checkStores(folder)));
  return conclude(folder, `seed ${seed}: kills at ${kills.join(', ')}`, violations);
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aep-calls-'));
  mkdirSync(join(folder, 'store'));
  return folder;
}

type Injection = Pick<CallPosition, 'call' | 'when' | 'fault'>;

function injection({ call, when, fault }: Injection, trace: string): string[] {
  const effects = { KILL: 'signal=KILL', EIO: 'error=EIO', ENOSPC: 'error=ENOSPC', SHORT: `retval=${SHORT_BYTES}` };
  const traced = ['unlink', 'unlinkat', ...WRITING_CALLS].join(',');
  return ['-o', trace, '-e', `trace=${traced}`, '-e', `inject=${call}:${effects[fault]}:when=${when}`];
}

/** After a fault nothing is acknowledged, and the writer ends as this call and this fault must end it. */
function checkEnd(folder: string, position: CallPosition, end: WriterEnd): Violation[] {
  const found = new Findings('reference');
  const report = readReport(folder);
  const hit = readHit(join(folder, 'trace'), position.workload);
  if (report.acknowledgedAfterFailure > 0)
    found.add('FailStop', `${report.acknowledgedAfterFailure} acknowledgements after "${report.failure}"`);
  const wrong = hit === undefined ? 'the fault hit nothing' : wrongEnd(position, hit, end, report);
  if (wrong !== undefined) found.add('FailStop', wrong);
  return found.violations;
}

async function checkStores(folder: string): Promise<Violation[]> {
  const store = join(folder, 'store');
  const { stableTxId } = readReport(folder);
  const violations = await checkStoreFiles(store, stableTxId);
  return violations.length > 0 ? violations : await checkByOpening(store, stableTxId);
}

function conclude(folder: string, position: string, violations: readonly Violation[]): PositionFinding | undefined {
  // What went wrong is kept to be looked at.
  if (violations.length > 0) return { position: `${position} (${folder})`, violations };
  rmSync(folder, { recursive: true, force: true });
  return undefined;
}
