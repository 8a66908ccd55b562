import type { AepError } from '@aep/kernel';
import type { Stable } from './stable.js';
import type { StoreBase } from './store-maker.js';

/** What holds when the journal says "stable" (E34). */
export type Durability = 'disk' | 'replicated' | 'os' | 'none';

/** Answer of {@link Journal.append}: `accepted`, `back-pressured` (full: try again after `onStable`) or `closed`. */
export type AppendResult = 'accepted' | 'back-pressured' | 'closed';

/**
 * The callbacks of a journal; called from the event loop, never from inside `append` or `commit`.
 * After `onFailure` nothing becomes stable any more: the failure is fatal (E34, S3) and the engine stops.
 */
export interface JournalListener {
  /** All records up to `mark.txId` hold the durability. Marks only grow. */
  onStable(mark: Stable): void;
  onFailure(error: AepError): void;
}

/** One record as read back: a view of the bytes with its place. The bytes are the caller's. */
export interface StoredRecord {
  readonly txId: number;
  readonly bytes: Uint8Array;
}

/** The readable side of a journal: what another process, a tool or a backup needs of it. */
export interface JournalReader {
  /** txId of the last stable record; 0 when empty. */
  readonly stableTxId: number;
  /** txId of the oldest record that is still kept; one past the last when none is. */
  readonly firstTxId: number;
  /** All outbound messages of records up to here are confirmed (E37); made durable with the next commit, or lost: then they are in doubt. */
  readonly confirmedTxId: number;
  /** Records from `fromTxId` (inclusive), in order, stable ones only. Throws AEP_JOURNAL_TRIMMED when it is older than `firstTxId`, AEP_RECORD_CORRUPT naming the txId. */
  read(fromTxId: number): IterableIterator<StoredRecord>;
  /**
   * As {@link read}, a run of records at a time and without checking them: for folding and scrubbing, which open each
   * record themselves. The first run begins at `fromTxId`. Nothing is held open between two runs, so a slow consumer
   * does not keep pages from being reused (S9); one that trimming overtakes gets AEP_JOURNAL_TRIMMED.
   */
  readRuns(fromTxId: number): IterableIterator<RecordRun>;
}

/**
 * The ordered log of sealed transactions of one engine: `txId` = 1, 2, 3 … without a hole. One writer. A member that joined
 * a group by a copy of its state begins later, after its {@link base}.
 *
 * Group commit (E33): records appended while a commit is in flight wait in the open batch; when the commit ends, the
 * batch goes as one (S6). `commit()` starts a commit if none is in flight, else the open batch follows by itself.
 */
export interface Journal extends JournalReader {
  /** The level in force; part of every statistic and benchmark heading. */
  readonly durability: Durability;
  /** txId of the last record appended (stable or not); 0 when empty. */
  readonly lastTxId: number;
  /** Hash of the last appended record, which the next one carries (two 32-bit halves). */
  readonly lastHash: RecordHash;
  /** Epoch of the last appended record; that of the base when there is none. */
  readonly lastEpoch: number;
  /** What the first record ever appended here continued. */
  readonly base: StoreBase;

  listen(listener: JournalListener): void;
  /**
   * Takes one sealed record, `bytes[start, start + length)`, into the open batch; its txId is `lastTxId + 1` and it carries
   * `lastHash`. It is copied, unless it was written where `room` says. When accepted, `appended` says where it lies: those
   * bytes never change, so the outbox sends from them.
   *
   * @param start default 0
   */
  append(bytes: Uint8Array, length: number, start?: number): AppendResult;
  /** Where the next record will lie if it fits: whoever appends may write it there. Overwritten by each append. */
  readonly room: { readonly bytes: Uint8Array; readonly start: number };
  /** Where the last accepted record lies; overwritten by the next append. */
  readonly appended: { readonly bytes: Uint8Array; readonly start: number };
  /** Nothing more is coming in this turn: write what is open as soon as the disk is free. */
  commit(): void;
  setConfirmed(txId: number): void;
  /** Gives up records with a txId below `beforeTxId`; whole batches only, in small steps that do not hold up commits. The newest batch always stays. */
  trim(beforeTxId: number): void;
  /**
   * Gives up all records after `afterTxId`, durably when the callback comes: for a follower whose tail was never stable
   * in its group (H5). `afterTxId` is a record that is kept, or the base; nothing may have been applied after it (E35). Records
   * that wait are given up too; `append` answers 'back-pressured' until the callback.
   */
  cut(afterTxId: number, done: (error: AepError | undefined) => void): void;
}

/** Records that lie one after another in `bytes[start, end)`, in order. The bytes never change. */
export interface RecordRun {
  readonly firstTxId: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** 64 bits as two unsigned halves: no bigint in the path of a record. */
export interface RecordHash {
  readonly low: number;
  readonly high: number;
}
