export { type CommitBatch, GroupCommitJournal } from './group-commit.js';
export { type JournalPosition, NO_BASE, positionAtBase } from './journal-position.js';
export { offsetInRun, recordsOf, trimmedError } from './record-runs.js';
export { concludeJournalOptions, type ConcludedJournalOptions, within } from './journal-options.js';
export type { PackedRun } from './open-runs.js';
export { newMemberId } from './member-id.js';
export { StoreFilling } from './store-filling.js';
export { issueStable } from './stable.js';
