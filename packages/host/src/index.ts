export type { AppDescriptor } from './app-descriptor.js';
export { HostToken } from './host-tokens.js';
export { openLog } from './logging/pino-log.js';
export { loadModelFile } from './model-source.js';
export { startXvm } from './start-xvm.js';
export { Xvm } from './xvm.js';
export type { ModelFile, ResolveExport, XvmOptions } from './xvm-options.js';
export type { AppStatus, XvmState, XvmStatus, XvmStopReport } from './xvm-status.js';
