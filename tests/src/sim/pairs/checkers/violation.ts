import type { Invariant } from '../../../checker/invariants.js';

/** The names of H32: what one member can break, and what takes more than a look at its disk. */
export type Clause = Invariant | 'OnePrimaryPerEpoch' | 'FencedZombie' | 'BoundedMemory' | 'Determinism';

/** A clause of the promise that a run has broken. */
export interface Violation {
  readonly clause: Clause;
  readonly detail: string;
}

/** Collects violations; after the first few only counts them. */
export class Findings {
  readonly list: Violation[] = [];

  add(clause: Clause, detail: string): void {
    if (this.list.length < LISTED_MAX) this.list.push({ clause, detail });
  }
}

const LISTED_MAX = 6;
