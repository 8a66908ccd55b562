export { appFromInstance } from './app/app-from-class.js';
export { collectNotes } from './app/decorators.js';
export { appOptionsFor } from './app/decorators.js';
export { matchesSource } from './app/handler-table.js';
export { PrimaryLife } from './replay/primary-life.js';
export { replayDiffers } from './replay/replay-difference.js';
export { decodeEntry, readOrderedNumber } from './services/system-entry.js';
