import { existsSync, readFileSync } from 'node:fs';
import type { WriterReport } from './store-check.js';
import type { WriterEnd } from './strace.js';

/** What happens at a system call: the process dies there; the call answers an error; it says that it wrote a part only. */
export type CallFault = 'KILL' | 'EIO' | 'ENOSPC' | 'SHORT';

/**
 * Whose calls are counted. `in a child`: those of the child process that makes a new store. `by itself`: a process that makes
 * its store itself and commits blocking. `behind`: a process with a store that exists, whose one thread in the pool commits
 * and checkpoints.
 */
export type Workload = 'in a child' | 'by itself' | 'behind';

export interface CallPosition {
  readonly workload: Workload;
  readonly call: string;
  /** The how manieth of its kind in one thread, from 1. */
  readonly when: number;
  readonly fault: CallFault;
}

/** Where a fault has hit, as strace has seen it. */
export interface Hit {
  /** Before the store was complete. */
  readonly isMaking: boolean;
  /** The call wrote whole pages, as all do but those of LMDB's 128 bytes of meta data. */
  readonly isPageWrite: boolean;
}

/** Undefined when the fault has not hit anything. */
export function readHit(trace: string, workload: Workload): Hit | undefined {
  const lines = existsSync(trace) ? readFileSync(trace, 'latin1').split('\n') : [];
  const at = lines.findIndex((line) => line.includes('(INJECTED)') || line.includes('+++ killed by SIGKILL +++'));
  if (at < 0) return undefined;
  const isMaking = workload !== 'behind' && !lines.slice(0, at).some((line) => /\bunlink(at)?\(/.test(line));
  return { isMaking, isPageWrite: lines[at]!.includes('writev(') || /pwrite64\(.*, \d{4,}, \d+\)/.test(lines[at]!) };
}

/**
 * How a writer must have ended, per call and fault; undefined when it has ended so.
 *
 * LMDB survives the errors of all calls but of two kinds. The very first write to a new file, the two meta pages: it dies of
 * SIGSEGV when that fails or is short, and so a child process makes a new store. A write of pages that fails with an error
 * (not a short one): the text of the error may be longer than its buffer, and the damaged heap may end the process by SIGABRT
 * or SIGSEGV, before our report or after it.
 */
export function wrongEnd(position: CallPosition, hit: Hit, end: WriterEnd, report: WriterReport): string | undefined {
  const said = `${report.failure ?? (report.isDone ? 'done' : 'nothing')}, ended with ${end.code ?? end.signal}`;
  const isAsExpected = expected(position, hit).some(
    ({ saying, ending }) =>
      saying.test(report.failure ?? (report.isDone ? 'done' : '')) && ending.includes(end.code ?? end.signal ?? ''),
  );
  return isAsExpected ? undefined : `${said}: ${end.errors.slice(-500)}`;
}

interface Expectation {
  readonly saying: RegExp;
  readonly ending: readonly (number | string)[];
}

const NOT_OPENED = /^failed AEP_STORE_OPEN_FAILED: /;
const NOT_WRITTEN = /^failed AEP_STORE_WRITE_FAILED: /;
const NOTHING = /^$/;

function expected(position: CallPosition, { isMaking, isPageWrite }: Hit): readonly Expectation[] {
  const { workload, call, when, fault } = position;
  // What kills the child is told by its parent.
  if (workload === 'in a child') return [{ saying: NOT_OPENED, ending: [1] }];
  if (fault === 'KILL') return [{ saying: NOTHING, ending: ['SIGKILL'] }];
  if (isMaking && call === 'pwrite64' && when <= NEW_FILES) return [{ saying: NOTHING, ending: ['SIGSEGV'] }];
  const signals = isPageWrite && fault !== 'SHORT' ? ['SIGABRT', 'SIGSEGV'] : [];
  const death = { saying: NOTHING, ending: signals };
  if (isMaking) return [{ saying: NOT_OPENED, ending: [1, ...signals] }, death];
  return [
    { saying: NOT_WRITTEN, ending: [1, ...signals] },
    death,
    // The last write of all, at the close: how far sends are confirmed. After a restart they are sent again.
    { saying: /^done$/, ending: [0, ...signals] },
  ];
}

/** Journal and state. */
const NEW_FILES = 2;
