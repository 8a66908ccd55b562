import { RecordReader } from './record-reader.js';
import { Section } from './record-layout.js';
import { Table, type TableSink } from './tables.js';

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
export class RecordFold {
  private key = new Uint8Array(600);
  private readonly mark = new Uint8Array(DEDUPE_MARK_BYTES);
  private readonly markView = new DataView(this.mark.buffer);
  private readonly number = new Uint8Array(8);
  private readonly numberView = new DataView(this.number.buffer);

  fold(reader: RecordReader, sink: TableSink): void {
    reader.rewind();
    while (reader.next()) {
      switch (reader.tag) {
        case Section.put:
          sink.put(reader.tableId, reader.bytes.subarray(reader.keyStart, reader.keyEnd), reader.bytes.subarray(reader.contentStart, reader.contentEnd));
          break;
        case Section.delete:
          sink.delete(reader.tableId, reader.bytes.subarray(reader.keyStart, reader.keyEnd));
          break;
        case Section.inboundCause:
          this.dedupeMark(reader, sink);
          break;
        case Section.outbound:
          this.sequences(reader, sink);
          break;
        default:
          break;
      }
    }
  }

  private dedupeMark(reader: RecordReader, sink: TableSink): void {
    if (reader.sno <= 0) return;
    const length = writeDedupeKey(this.key, reader.bytes.subarray(reader.channelTagStart, reader.channelTagEnd), reader.senderId, reader.flow);
    this.markView.setFloat64(0, reader.incarnation, true);
    this.markView.setFloat64(8, reader.sno, true);
    this.markView.setFloat64(16, reader.channelSno, true);
    sink.put(Table.dedupe, this.key.subarray(0, length), this.mark);
  }

  private sequences(reader: RecordReader, sink: TableSink): void {
    if (reader.sno > 0) {
      this.numberView.setFloat64(0, reader.sno, true);
      sink.put(Table.sequences, this.key.subarray(0, writeFlowKey(this.key, reader.flow)), this.number);
    }
    this.numberView.setFloat64(0, reader.channelSno, true);
    const tag = reader.bytes.subarray(reader.channelTagStart, reader.channelTagEnd);
    sink.put(Table.sequences, this.key.subarray(0, writeChannelKey(this.key, tag)), this.number);
  }
}

/** Last message seen of one stream: f64 incarnation, sno, channelSno. */
export const DEDUPE_MARK_BYTES = 24;

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

/** Key of a channel in the sequences table: `c`, channel tag. Returns its length. */
export function writeChannelKey(target: Uint8Array, channelTag: Uint8Array): number {
  target[0] = 0x63;
  target.set(channelTag, 1);
  return 1 + channelTag.length;
}
