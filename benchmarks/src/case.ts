/** One figure of a case. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** How a figure compares to a peer or to the limit in the same run: above 1 is better than it. */
export interface Ratio {
  readonly name: string;
  readonly value: number;
  readonly against: string;
}

export interface CaseResult {
  readonly figures: readonly Figure[];
  readonly ratios: readonly Ratio[];
}

export interface CaseContext {
  /** An empty directory of this case's own, removed afterwards. */
  readonly directory: string;
  /** Scales the amount of work; 1 is what BENCHMARKS.md quotes. */
  readonly scale: number;
}

/** A named case of the corpus. */
export interface BenchmarkCase {
  /** `group/name`: what the filter matches. */
  readonly name: string;
  /** One line: what is measured, and what it is compared with. */
  readonly title: string;
  /** The durability in force; printed in the heading. `none`: nothing is stored. */
  readonly durability: 'disk' | 'os' | 'none';
  run(context: CaseContext): Promise<CaseResult>;
}
