import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@aep/kernel';
import { Findings, type Violation } from '../checker/invariants.js';
import { checkByOpening, checkStoreFiles, readReport } from './store-check.js';
import { traceWriter, WRITING_CALLS, type WriterEnd } from './strace.js';

/** What happens at a system call: the process dies there, or the call answers an error. */
export type CallFault = 'KILL' | 'EIO' | 'ENOSPC';

export interface CallPosition {
  readonly call: string;
  /** The how manieth of its kind, from 1. */
  readonly when: number;
  readonly fault: CallFault;
}

export interface PositionFinding {
  readonly position: string;
  readonly violations: readonly Violation[];
}

const TRANSACTIONS = 30;
/** Kills one after another in starts that each have to recover. */
const RECOVERY_DEPTH = 5;
/** Writing calls of one kind in a start that recovers: few, so that most of the kills come before it has ended. */
const RECOVERY_CALLS = 6;

/** All positions of the reference workload, in a seeded order: any part of them is a fair sample. */
export async function listPositions(seed: number): Promise<CallPosition[]> {
  const folder = newFolder();
  const trace = join(folder, 'trace');
  await traceWriter({ folder, transactions: TRANSACTIONS }, ['-o', trace, '-e', `trace=${WRITING_CALLS.join(',')}`]);
  const { isDone } = readReport(folder);
  const lines = readFileSync(trace, 'utf8').split('\n');
  rmSync(folder, { recursive: true, force: true });
  if (!isDone) throw new Error('the reference workload did not end without a fault');
  const positions = WRITING_CALLS.flatMap((call) => {
    const count = lines.filter((line) => line.includes(` ${call}(`)).length;
    const isSync = call === 'fdatasync' || call === 'fsync' || call === 'msync';
    const faults: readonly CallFault[] = isSync ? ['KILL', 'EIO'] : ['KILL', 'EIO', 'ENOSPC'];
    return Array.from({ length: count }, (_, index) =>
      faults.map((fault) => ({ call, when: index + 1, fault })),
    ).flat();
  });
  const random = new SeededRandom(seed);
  return positions
    .map((position) => ({ position, order: random.float() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ position }) => position);
}

/** Runs the reference workload with one fault and checks what is on the disk. */
export async function tryPosition(position: CallPosition): Promise<PositionFinding | undefined> {
  const folder = newFolder();
  const end = await traceWriter({ folder, transactions: TRANSACTIONS }, injection(position));
  const violations = [...checkEnd(folder, end, position.fault), ...(await checkStores(folder))];
  return conclude(folder, `${position.fault} at ${position.call} ${position.when}`, violations);
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
    await traceWriter({ folder, transactions: TRANSACTIONS }, injection({ call, when, fault: 'KILL' }));
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

function injection({ call, when, fault }: CallPosition): string[] {
  const effect = fault === 'KILL' ? 'signal=KILL' : `error=${fault}`;
  return ['-o', '/dev/null', '-e', `trace=${WRITING_CALLS.join(',')}`, '-e', `inject=${call}:${effect}:when=${when}`];
}

/** After an error the writer says so, acknowledges nothing and ends with a code. */
function checkEnd(folder: string, { code, signal, errors }: WriterEnd, fault: CallFault): Violation[] {
  const found = new Findings('reference');
  const { acknowledgedAfterFailure, failure, isDone } = readReport(folder);
  if (acknowledgedAfterFailure > 0)
    found.add('FailStop', `${acknowledgedAfterFailure} acknowledgements after "${failure}"`);
  if (failure !== undefined && code === 0) found.add('FailStop', `ended with 0 after "${failure}"`);
  // lmdb can die of an error before it reports one, by a signal or an exception of its own: that stops the process as well.
  if (fault !== 'KILL' && failure === undefined && !isDone && code === 0)
    found.add('FailStop', `neither failed nor done: ended with ${code ?? signal}: ${errors.slice(-500)}`);
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
