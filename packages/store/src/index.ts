export { DEDUPE_MARK_BYTES, RecordFold, writeChannelKey, writeDedupeKey, writeFlowKey } from './fold.js';
export type { AppendResult, Durability, Journal, JournalListener, RecordHash, StoredRecord } from './journal.js';
export { hashRecord, NO_HASH } from './record-hash.js';
export { HEADER_BYTES, LocalCause, RECORD_BYTES_MAX, RECORD_VERSION, RecordFlag, RecordKind, Section, SECTION_BYTES_MAX, type SectionTag } from './record-layout.js';
export { RecordReader } from './record-reader.js';
export { type Encodable, encodeChannelTag, type InboundCause, type MessageHead, type OutboundNumbers, RecordWriter } from './record-writer.js';
export type { Stable } from './stable.js';
export type { ApplyResult, StateTables, Store, StoreIdentity, StoreSnapshot, TableChanges } from './store.js';
export { KEY_BYTES_MAX, type RangeBytes, SYSTEM_TABLES_FROM, Table, type TableEntry, type TableReader, type TableSink } from './tables.js';
