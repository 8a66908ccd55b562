export { machineProbes } from './process-probes.js';
export { diskFiles } from './process-files.js';
export { CLI_VERSION } from './version.js';
