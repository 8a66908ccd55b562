import { type MarkName, MARKS } from '@aep/cluster';
import type { Violation } from './checkers/violation.js';
import type { PlantedBug } from './planted-bugs.js';
import { type Drawing, type Fault, FAULTS, type Plan, planOf } from './plan.js';
import { simulate } from './simulation.js';

export interface BatchOptions {
  readonly from: number;
  readonly seeds: number;
  /** Ends the batch earlier. @default never */
  readonly isOver?: () => boolean;
  readonly bug?: PlantedBug;
  /** What plans are drawn from. @default everything */
  readonly drawing?: Drawing;
  /** @default 1 */
  readonly failuresMax?: number;
  /** Every so many seeds one is run a second time (Determinism). @default 50 */
  readonly twiceEvery?: number;
  readonly onFailure?: (failure: Failure) => Promise<void>;
}

export interface Failure {
  readonly seed: number;
  readonly violations: readonly Violation[];
}

export interface BatchReport {
  readonly seeds: number;
  readonly events: number;
  readonly simulatedMs: number;
  readonly committed: number;
  readonly marks: ReadonlyMap<MarkName, number>;
  readonly struck: ReadonlyMap<Fault, number>;
  readonly failures: readonly Failure[];
}

/**
 * Marks that no run of this simulator gets to, each with its reason; `missedMarks` leaves them out.
 */
const OUT_OF_REACH: ReadonlyMap<MarkName, string> = new Map([
  ['promoted-unsafe', 'an order of a person that gives up the promise (H9)'],
  [
    'stale-epoch-refused',
    'a second fence: a primary refuses the hello of a member that has promised a later epoch ("higher-epoch-seen"), and a member promises ' +
      'only to the primary that it is linked to, whose epoch only rises. Planting "a primary welcomes members of a later epoch" gets there',
  ],
]);

/** Runs seeds one after the other until one has broken something. */
export async function runBatch(options: BatchOptions): Promise<BatchReport> {
  const { from, seeds, isOver = () => false, bug, drawing, failuresMax = 1, twiceEvery = 50, onFailure } = options;
  const marks = new Map<MarkName, number>();
  const struck = new Map<Fault, number>();
  const failures: Failure[] = [];
  const total = { seeds: 0, events: 0, simulatedMs: 0, committed: 0 };
  for (let seed = from; seed < from + seeds && failures.length < failuresMax && !isOver(); seed++) {
    const plan = planOf(seed, drawing);
    const outcome = await simulate(plan, bug);
    const violations = [...outcome.violations];
    if (seed % twiceEvery === 0) violations.push(...(await runAgain(plan, outcome.traceHash, bug)));
    if (violations.length > 0) {
      failures.push({ seed, violations });
      await onFailure?.({ seed, violations });
    }
    addAll(marks, outcome.marks);
    addAll(struck, outcome.struck);
    total.seeds++;
    total.events += outcome.events;
    total.simulatedMs += outcome.simulatedMs;
    total.committed += outcome.committed;
  }
  return { ...total, marks, struck, failures };
}

/** Classes of faults that have never done anything. */
export function missedFaults(struck: ReadonlyMap<Fault, number>): Fault[] {
  return FAULTS.filter((fault) => (struck.get(fault) ?? 0) === 0);
}

function addAll<K>(sums: Map<K, number>, counts: ReadonlyMap<K, number>): void {
  for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count);
}

/** Rare branches that a batch has never got to. */
export function missedMarks(marks: ReadonlyMap<MarkName, number>): MarkName[] {
  return MARKS.filter((mark) => !marks.has(mark) && !OUT_OF_REACH.has(mark));
}

async function runAgain(plan: Plan, traceHash: number, bug: PlantedBug | undefined): Promise<Violation[]> {
  const again = await simulate(plan, bug);
  if (again.traceHash === traceHash) return [];
  return [
    { clause: 'Determinism', detail: `a second run has the trace ${again.traceHash}, the first had ${traceHash}` },
  ];
}
