/** What the issue or the specification asks of a value. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** One figure of a case. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: Goal;
}

/** How a figure compares to a peer or to the limit in the same run: `value` times `against`. */
export interface Ratio {
  readonly name: string;
  readonly value: number;
  readonly against: string;
  readonly goal?: Goal;
}

export interface CaseResult {
  readonly figures: readonly Figure[];
  readonly ratios: readonly Ratio[];
  /** What a reader of the figures must know: what a peer syncs, where the work was cut short. */
  readonly notes?: readonly string[];
  /** Why the case, or a part of it, could not run here, and how to get what is missing. */
  readonly didNotRun?: string;
}

export interface CaseContext {
  /** An empty directory of this case's own, removed afterwards. */
  readonly directory: string;
  /** Scales the amount of work; 1 is what BENCHMARKS.md quotes. */
  readonly scale: number;
  /** The sizes that the goals name, where the default is smaller because they take minutes. */
  readonly isFull: boolean;
}

/** A named case of the corpus. */
export interface BenchmarkCase {
  /** `group/name`: what the filter matches. */
  readonly name: string;
  /** One line: what is measured, and what it is compared with. */
  readonly title: string;
  /**
   * The durability in force; printed in the heading. `disk`: synced before anything is released; `os`: survives a killed
   * process only; `none`: nothing is stored. What a peer syncs is in the notes of its case.
   */
  readonly durability: 'disk' | 'os' | 'none';
  run(context: CaseContext): Promise<CaseResult>;
}

/** Work of a case, scaled; at least 1. */
export function scaled(context: CaseContext, count: number): number {
  return Math.max(1, Math.round(count * context.scale));
}

export function isMet(value: number, goal: Goal): boolean {
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}
