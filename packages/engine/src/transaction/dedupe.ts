import type { MessageMetadata } from '@aep/messages';
import { type TableReader, Table, writeDedupeKey } from '@aep/store';

/**
 * - `new`: later than all that was seen of its stream, or the first of a new incarnation.
 * - `duplicate`: seen before, or from an incarnation that was replaced.
 * - `unsequenced`: carries no number and is never checked.
 */
export type DedupeVerdict = 'new' | 'duplicate' | 'unsequenced';

/** How far journal and tables are. */
export interface MarkProgress {
  /** Number that the next record will have. */
  readonly nextTxId: number;
  readonly appliedTxId: number;
}

/** Last message seen of one stream: sender and flow on one channel. */
interface Mark {
  incarnation: number;
  sno: number;
  channelSno: number;
  /** The transaction that makes this mark durable at the latest: until it is applied the mark must stay in memory. */
  txId: number;
  isStaleReported: boolean;
}

/**
 * The dedupe marks of one channel (E51). In memory it moves as events are taken, ahead of the journal; the mark in the
 * record of the same transaction makes it durable, so after a crash it stands exactly where the stable transactions end.
 *
 * Memory is bounded: past `cachedMax` the streams that were quiet longest leave as soon as their marks are in the tables, and
 * come back from there.
 */
export class StreamMarks {
  private readonly marks = new Map<number | string, Mark>();
  private lastKey: number | string = -1;
  private lastMark: Mark | undefined;
  /** Set by `classify` for a `new` message: the numbers between the last and this one, 0 when it is the next. */
  missing = 0;
  /** Set by `classify` for the first duplicate of a stream that comes from an incarnation older than the last seen. */
  isStale = false;

  constructor(
    private readonly tag: Uint8Array,
    private readonly tables: TableReader,
    private readonly cachedMax: number,
    private readonly progress: MarkProgress,
  ) {}

  /** Decides on an event and, when it is new, moves the mark. */
  classify(metadata: MessageMetadata): DedupeVerdict {
    this.missing = 0;
    this.isStale = false;
    if (metadata.sno <= 0) return 'unsequenced';
    const mark = this.markOf(metadata.senderId, metadata.flow);
    if (metadata.incarnation < mark.incarnation) {
      this.isStale = !mark.isStaleReported;
      mark.isStaleReported = true;
      return 'duplicate';
    }
    if (metadata.incarnation === mark.incarnation) {
      if (metadata.sno <= mark.sno) return 'duplicate';
      if (mark.channelSno > 0 && metadata.channelSno > mark.channelSno + 1)
        this.missing = metadata.channelSno - mark.channelSno - 1;
    }
    mark.incarnation = metadata.incarnation;
    mark.sno = metadata.sno;
    mark.channelSno = metadata.channelSno;
    mark.txId = this.progress.nextTxId;
    return 'new';
  }

  private markOf(senderId: number, flow: number): Mark {
    // Flow 0 is the common case and needs no string.
    const key = flow === 0 ? senderId : `${senderId}:${flow}`;
    if (key === this.lastKey && this.lastMark !== undefined) return this.lastMark;
    let mark = this.marks.get(key);
    if (mark === undefined) {
      mark = this.load(senderId, flow);
      this.makeRoom();
    } else {
      this.marks.delete(key); // re-inserted below: the map's order is the order of use
    }
    this.marks.set(key, mark);
    this.lastKey = key;
    this.lastMark = mark;
    return mark;
  }

  private makeRoom(): void {
    if (this.marks.size < this.cachedMax) return;
    const { appliedTxId } = this.progress;
    for (const [key, mark] of this.marks) {
      if (this.marks.size < this.cachedMax || mark.txId > appliedTxId) return;
      this.marks.delete(key);
    }
  }

  private load(senderId: number, flow: number): Mark {
    const key = new Uint8Array(this.tag.length + 12);
    writeDedupeKey(key, this.tag, senderId, flow);
    const stored = this.tables.get(Table.dedupe, key);
    if (stored === undefined) return { incarnation: 0, sno: 0, channelSno: 0, txId: 0, isStaleReported: false };
    const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
    return {
      incarnation: view.getFloat64(0, true),
      sno: view.getFloat64(8, true),
      channelSno: view.getFloat64(16, true),
      txId: 0,
      isStaleReported: false,
    };
  }
}
