export { ChangeMap } from './change-map.js';
export { changes, type ChangesOptions } from './changes.js';
export { Checkpointer, type CheckpointListener, type CheckpointOptions } from './checkpointer.js';
export {
  type CauseDescription,
  type ChangeDescription,
  type ChannelPlace,
  describeRecord,
  type MessageDescription,
  type RecordDecoders,
  type RecordDescription,
} from './describe-record.js';
export {
  DEDUPE_MARK_BYTES,
  foldRecord,
  type FoldSink,
  RecordFold,
  writeChannelKey,
  writeDedupeKey,
  writeFlowKey,
} from './fold.js';
export type {
  AppendResult,
  Durability,
  Journal,
  JournalListener,
  JournalReader,
  RecordHash,
  RecordRun,
  StoredRecord,
} from './journal.js';
export type { JournalOptions } from './journal-options.js';
export { MemoryDisk } from './memory-disk.js';
export { MemoryFaults } from './memory-faults.js';
export { type CrashOutcome, MemoryStore, type MemoryStoreOptions, STORE_FORMAT_VERSION } from './memory-store.js';
export { MemoryStoreMaker } from './memory-store-maker.js';
export { hashRecord, NO_HASH } from './record-hash.js';
export {
  HEADER_BYTES,
  LocalCause,
  RECORD_BYTES_MAX,
  RECORD_VERSION,
  RecordFlag,
  RecordKind,
  Section,
  SECTION_BYTES_MAX,
  type SectionTag,
} from './record-layout.js';
export { RecordReader } from './record-reader.js';
export {
  type Encodable,
  encodeChannelTag,
  type InboundCause,
  type MessageHead,
  type OutboundNumbers,
  RecordWriter,
} from './record-writer.js';
export { readerFactKey, readerFactValue, ReaderRegistry } from './reader-registry.js';
export { recover, type Recovery, type RecoveryOptions, type RecoveryProgress } from './recover.js';
export { Scrubber, type ScrubOptions } from './scrubber.js';
export { SortedTable } from './sorted-table.js';
export type { Stable } from './stable.js';
export type {
  ApplyResult,
  BackgroundFold,
  StateTables,
  Store,
  StoreIdentity,
  StoreSnapshot,
  TableChange,
  TableChanges,
} from './store.js';
export type { CopiedEntry, CopySnapshot, StoreBase, StoreInTheMaking, StoreMaker, StoreOrigin } from './store-maker.js';
export { tableChanges } from './table-changes.js';
export {
  KEY_BYTES_MAX,
  type RangeBytes,
  SYSTEM_TABLES_FROM,
  Table,
  TABLE_ID_MAX,
  type TableEntry,
  type TableReader,
  type TableSink,
} from './tables.js';
export { type JournalRetention, Trimmer, type TrimmerOptions } from './trimmer.js';
export { verifyStore, type VerifyOptions, type VerifyReport } from './verify.js';
