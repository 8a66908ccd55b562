/** The names of H32. */
export type Clause =
  | 'NoLostInput'
  | 'EffectOnce'
  | 'SenderOrder'
  | 'StableBeforeRelease'
  | 'OutboundOnce'
  | 'Atomicity'
  | 'FoldEquality'
  | 'OnePrimaryPerEpoch'
  | 'FencedZombie'
  | 'CommittedPrefix'
  | 'FailStop'
  | 'BoundedMemory'
  | 'Liveness'
  | 'Determinism';

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
