export type { FreeSpace } from './free-space.js';
export { LmdbStore, openLmdbStore } from './lmdb-store.js';
export { LmdbStoreMaker } from './lmdb-store-maker.js';
export type { CommitMode, LmdbStoreOptions } from './lmdb-store-options.js';
export {
  LmdbJournalReader,
  LmdbStoreReader,
  type LmdbStoreReaderOptions,
  openLmdbStoreReader,
} from './lmdb-store-reader.js';
