import { type Drawing, type Fault, FAULTS } from './plan.js';

interface KeptSeed {
  readonly seed: number;
  readonly found: string;
  /** The last class of faults that there was then. */
  readonly last: Fault;
  /** Whether plans had timers of the application by then. @default false */
  readonly alarms?: boolean;
  /** Whether some groups had `acks: none`. @default false */
  readonly acks?: boolean;
  /** Whether joining members were paced in some. @default false */
  readonly paces?: boolean;
}

/**
 * Seeds that have found something (H34). What a seed does changes with the plans that are drawn from it; each is kept together with
 * what it was found for and with the classes of faults of that time, and replaced by another one that finds the same when it does
 * not any more.
 */
export const KEPT_SEEDS: readonly KeptSeed[] = [
  { seed: 132, found: 'a state copy that failed at its end kept its member from stopping', last: 'fullDisk' },
  {
    seed: 2164,
    found: 'a restarted primary paired a member that lacked what its earlier life had released',
    last: 'fullDisk',
  },
  { seed: 2241, found: 'a switch asked for a primary that was no member any more', last: 'fullDisk' },
  {
    seed: 712761,
    found: 'a follower that was told of a later epoch while its store was being made acknowledged nothing for ever',
    last: 'fullDisk',
  },
  { seed: 2105837, found: 'a switch that was given up began an engine at a member that was stopping', last: 'zombie' },
  {
    seed: 2126326,
    found:
      'the tables could not be written while an engine was drained for a switch, and the next engine began on them',
    last: 'zombie',
  },
  {
    seed: 724,
    found: 'with `acks: none` a member was listed whose copy was not complete, and nobody could take over after it',
    last: 'zombie',
    alarms: true,
    acks: true,
  },
  {
    seed: 2474594,
    found:
      'the tables could not be written in the moment of a deposition, and the member went on with them as a backup',
    last: 'zombie',
    alarms: true,
    acks: true,
  },
  {
    seed: 3409419,
    found:
      'a heartbeat was left out when something else had been written, so a member that was sent little at a time ended its link again and again',
    last: 'zombie',
    alarms: true,
    acks: true,
    paces: true,
  },
];

/** What plans were drawn from when this one was found. */
export function drawingThen({ last, alarms = false, acks = false, paces = false }: KeptSeed): Drawing {
  return { faults: FAULTS.slice(0, FAULTS.indexOf(last) + 1), alarms, acks, paces };
}
