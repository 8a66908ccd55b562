/**
 * Branches that only races and faults reach. A simulation counts them: a batch of seeds that never gets to one has not tried
 * what it is for (H33).
 */
export const MARKS = [
  /** The answer to a change of the register did not come: it may have happened, or still happen. */
  'change-unknown',
  /** A change whose answer was lost turned out to have happened. */
  'change-happened-unseen',
  /** A change was lost to one of another member. */
  'change-lost',
  /** The primary wanted to leave a member out that may still become one by an earlier change: the register must move first. */
  'pairing-fenced',
  'bootstrap-lost',
  'restart-of-primary',
  'solo',
  'paired',
  'take-over',
  'stepped-down',
  /** It stepped down before its engine had started. */
  'stepped-down-early',
  'tail-cut',
  'search-by-halves',
  'state-copy',
  'copy-interrupted',
  /** A member that is listed needs a copy: it is left out first. */
  'copy-of-a-member',
  /** A follower was sent records from the journal because they were no longer in memory. */
  'fed-from-journal',
  'window-full',
  /** The journal of a follower did not take a record at once. */
  'follower-back-pressured',
  'stale-epoch-refused',
  'higher-epoch-seen',
  /** A switch ended because its target went away. */
  'switch-given-up',
  'switched',
  'promoted-unsafe',
  'diverged',
] as const;

export type MarkName = (typeof MARKS)[number];
