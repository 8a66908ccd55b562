/**
 * What goes wrong on the simulated disk of a {@link MemoryStore}. Fields may be changed at any time; they take effect
 * with the next commit, apply or check for space.
 */
export class MemoryFaults {
  /** How long a commit takes, asked once per commit. @default 0 ms: stable in a later turn of the clock */
  commitMs: () => number = zeroMs;
  /** How long an apply to the tables takes. @default 0 ms */
  applyMs: () => number = zeroMs;
  /** The next commit fails (S3): fatal. */
  failsNextSync = false;
  /** The next apply fails: fatal for the member. */
  failsNextApply = false;
  /** Commits never end (S3: the watchdog's case). */
  hangs = false;
  /** Bytes that still fit on the disk (S4); set by the test, not counted down. */
  freeBytes = Infinity;
}

function zeroMs(): number {
  return 0;
}
