export { closeEnvironments, openEnvironments } from './environment.js';
export { identityBytes, MetaName } from './store-meta.js';
