export { CommitPacer } from './commit-pacer.js';
export { checkOf, copyChecked, keySeed, viewed } from './entry-check.js';
export { closeEnvironments, environmentSettings, openEnvironments } from './environment.js';
export { logCommitDetail } from './commit-detail.js';
export { FoldThread } from './fold-thread.js';
export { lackOfRoom } from './free-space.js';
export { checkStore } from './store-check.js';
export { lifeOf, ownProcess, parseProcessOwner, type ProcessOwner } from './process-owner.js';
export { identityBytes, MetaName } from './store-meta.js';
