export { CommitPacer } from './commit-pacer.js';
export { closeEnvironments, environmentSettings, openEnvironments } from './environment.js';
export { lackOfRoom } from './free-space.js';
export { identityBytes, MetaName } from './store-meta.js';
