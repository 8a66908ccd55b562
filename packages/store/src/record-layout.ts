/**
 * A record is one sealed transaction (E30) as it lies in the journal, on the replication link and in a backup's journal.
 *
 * ```
 *  0 u32 length        whole record, header included
 *  4 u8  version       RECORD_VERSION
 *  5 u8  kind          RecordKind
 *  6 u16 flags         RecordFlag
 *  8 u32 epoch         of the primary that wrote it (H4)
 * 12 u64 txId          two u32, low half first
 * 20 u32 seed          of the transaction's random generator (E60)
 * 24 f64 timeMs        the engine's wall time when the transaction was opened: what `engine.now()` answered in it
 * 32 u64 previousHash  of the record before (0 for txId 1)
 * 40 u64 hash          over bytes 0..39 and 48..length: checksum and chain link in one pass
 * 48     sections      each u32 (tag | length << 8), then its payload
 * ```
 * All integers are little-endian. Unknown sections are skipped by readers of the same version.
 */
export const RECORD_VERSION = 1;
export const HEADER_BYTES = 48;
export const HASH_OFFSET = 40;

/** The longest section payload: its length has 24 bits. */
export const SECTION_BYTES_MAX = 0xff_ffff;

/** The longest record; a transaction beyond it is refused before anything of it is written. */
export const RECORD_BYTES_MAX = 256 * 1024 * 1024;

export const RecordKind = {
  transaction: 1,
  /** Written by a new primary: takes a txId and begins its epoch, changes nothing. */
  epochStart: 2,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

export const RecordFlag = {
  /** The application is event-sourced: the inbound message is in the record, state changes are not (E60). */
  eventSourced: 1,
  /** The handler's effects were rolled back and the message became a dead letter (E20). */
  quarantined: 2,
} as const;

/** Tags of sections. Their payloads are described at the methods of RecordWriter that write them. */
export const Section = {
  inboundCause: 1,
  localCause: 2,
  message: 3,
  put: 4,
  delete: 5,
  outbound: 6,
} as const;
export type SectionTag = (typeof Section)[keyof typeof Section];

/** Who asked for a transaction that no bus message caused. */
export const LocalCause = {
  timer: 1,
  injected: 2,
  unsolicited: 3,
  prestart: 4,
  command: 5,
  replay: 6,
} as const;
export type LocalCause = (typeof LocalCause)[keyof typeof LocalCause];
