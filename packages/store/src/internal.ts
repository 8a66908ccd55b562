export {
  type CommitBatch,
  GroupCommitJournal,
  type JournalPosition,
  offsetInRun,
  recordsOf,
  trimmedError,
} from './group-commit.js';
export { concludeJournalOptions, type ConcludedJournalOptions, within } from './journal-options.js';
export type { PackedRun } from './open-runs.js';
export { issueStable } from './stable.js';
