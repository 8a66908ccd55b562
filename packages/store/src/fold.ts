import type { RecordReader } from './record-reader.js';
import { Section } from './record-layout.js';
import { Table, type TableSink } from './tables.js';

/** Receives what a record changes; the reader stands at the section that says it. */
export interface FoldSink {
  put(reader: RecordReader): void;
  delete(reader: RecordReader): void;
  /** A sequenced inbound message moves the dedupe mark of its stream. */
  received(reader: RecordReader): void;
  /** An outbound message moves the last number of its channel and, when it is sequenced, of its flow. */
  sent(reader: RecordReader): void;
}

/**
 * What a record does to the tables (E35): the one place where that is said. Checkpoints, recovery, backups and time
 * travel all fold records through it.
 *
 * - `put` and `delete` sections go to their table as they stand;
 * - an inbound cause moves the dedupe mark of its stream (E51);
 * - an outbound message moves the last number of its flow and of its channel (E52).
 *
 * The reader has been opened on the record; it is left past the last section.
 */
export function foldRecord(reader: RecordReader, sink: FoldSink): void {
  reader.rewind();
  while (reader.nextChange()) {
    switch (reader.tag) {
      case Section.put:
        sink.put(reader);
        break;
      case Section.delete:
        sink.delete(reader);
        break;
      case Section.inboundCause:
        if (reader.sno > 0) sink.received(reader);
        break;
      case Section.outbound:
        sink.sent(reader);
        break;
      default:
        break;
    }
  }
}

/** Folds record by record into any sink of keys and values; {@link ChangeMap} is the fast way for many records. */
export class RecordFold implements FoldSink {
  private readonly scratch = new Uint8Array(STREAM_KEY_BYTES_MAX);
  private readonly mark = new Uint8Array(DEDUPE_MARK_BYTES);
  private readonly markView = new DataView(this.mark.buffer);
  private readonly number = new Uint8Array(8);
  private readonly numberView = new DataView(this.number.buffer);
  private sink: TableSink = NO_SINK;

  fold(reader: RecordReader, sink: TableSink): void {
    this.sink = sink;
    foldRecord(reader, this);
    this.sink = NO_SINK;
  }

  put({ tableId, bytes, keyStart, keyEnd, contentStart, contentEnd }: RecordReader): void {
    this.sink.put(tableId, bytes.subarray(keyStart, keyEnd), bytes.subarray(contentStart, contentEnd));
  }

  delete({ tableId, bytes, keyStart, keyEnd }: RecordReader): void {
    this.sink.delete(tableId, bytes.subarray(keyStart, keyEnd));
  }

  received(reader: RecordReader): void {
    const length = writeDedupeKey(this.scratch, channelTagOf(reader), reader.senderId, reader.flow);
    writeDedupeMark(this.markView, reader.incarnation, reader.sno, reader.channelSno);
    this.sink.put(Table.dedupe, this.scratch.subarray(0, length), this.mark);
  }

  sent(reader: RecordReader): void {
    if (reader.sno > 0) {
      this.numberView.setFloat64(0, reader.sno, true);
      this.sink.put(Table.sequences, this.scratch.subarray(0, writeFlowKey(this.scratch, reader.flow)), this.number);
    }
    this.numberView.setFloat64(0, reader.channelSno, true);
    const length = writeChannelKey(this.scratch, channelTagOf(reader), reader.flow);
    this.sink.put(Table.sequences, this.scratch.subarray(0, length), this.number);
  }
}

/** Last message seen of one stream: f64 incarnation, sno, channelSno. */
export const DEDUPE_MARK_BYTES = 24;

/** The longest key of a stream: `c`, a channel tag with two names of 255 bytes, sender and flow. */
export const STREAM_KEY_BYTES_MAX = 1 + 3 + 2 * 255 + 12;

export function writeDedupeMark(view: DataView, incarnation: number, sno: number, channelSno: number): void {
  view.setFloat64(0, incarnation, true);
  view.setFloat64(8, sno, true);
  view.setFloat64(16, channelSno, true);
}

/** Key of a stream in the dedupe table: channel tag (bus, channel, qos), u32 sender, f64 flow. Returns its length. */
export function writeDedupeKey(target: Uint8Array, channelTag: Uint8Array, senderId: number, flow: number): number {
  target.set(channelTag, 0);
  const view = new DataView(target.buffer, target.byteOffset);
  view.setUint32(channelTag.length, senderId);
  view.setFloat64(channelTag.length + 4, flow);
  return channelTag.length + 12;
}

/** Key of a flow in the sequences table: `f`, f64 flow. Returns its length. */
export function writeFlowKey(target: Uint8Array, flow: number): number {
  target[0] = 0x66;
  new DataView(target.buffer, target.byteOffset).setFloat64(1, flow);
  return 9;
}

/**
 * Key of a channel in the sequences table: `c`, channel tag; for a flow other than 0 also f64 flow, because receivers keep
 * their marks per flow and could not tell a gap from a number that another flow used. Returns its length.
 */
export function writeChannelKey(target: Uint8Array, channelTag: Uint8Array, flow = 0): number {
  target[0] = 0x63;
  target.set(channelTag, 1);
  const length = 1 + channelTag.length;
  if (flow === 0) return length;
  new DataView(target.buffer, target.byteOffset).setFloat64(length, flow);
  return length + 8;
}

export function channelTagOf({ bytes, channelTagStart, channelTagEnd }: RecordReader): Uint8Array {
  return bytes.subarray(channelTagStart, channelTagEnd);
}

const NO_SINK: TableSink = {
  put() {},
  delete() {},
};
