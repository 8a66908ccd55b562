import { entryName, hex } from './engine-image.js';
import type { ChannelTag, JournalRecord } from './journal-record.js';

const DEDUPE = 0xff01;
const SEQUENCES = 0xff02;
/** The tables as the journal says they are up to a transaction (E35, E51, E52): naive, in a plain map. */
export function foldRecords(records: readonly JournalRecord[], upToTxId: number): Map<string, string> {
  const tables = new Map<string, string>();
  for (const record of records) {
    if (record.txId > upToTxId) break;
    for (const { tableId, key, value } of record.changes) {
      if (value === undefined) tables.delete(entryName(tableId, key));
      else tables.set(entryName(tableId, key), hex(value));
    }
    const { cause } = record;
    if (cause !== undefined && cause.sno > 0) {
      const key = Buffer.concat([cause.tag.bytes, uint32(cause.senderId), float64(cause.flow, 'big')]);
      const mark = [cause.incarnation, cause.sno, cause.channelSno].map((number) => float64(number, 'little'));
      tables.set(entryName(DEDUPE, key), hex(Buffer.concat(mark)));
    }
    for (const { tag, flow, sno, channelSno } of record.outbound) {
      if (sno > 0) tables.set(entryName(SEQUENCES, flowKey(flow)), hex(float64(sno, 'little')));
      tables.set(entryName(SEQUENCES, channelKey(tag, flow)), hex(float64(channelSno, 'little')));
    }
  }
  return tables;
}

function flowKey(flow: number): Buffer {
  return Buffer.concat([Buffer.from('f'), float64(flow, 'big')]);
}

function channelKey(tag: ChannelTag, flow: number): Buffer {
  return Buffer.concat([Buffer.from('c'), tag.bytes, ...(flow === 0 ? [] : [float64(flow, 'big')])]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function float64(value: number, order: 'big' | 'little'): Buffer {
  const bytes = Buffer.alloc(8);
  if (order === 'big') bytes.writeDoubleBE(value);
  else bytes.writeDoubleLE(value);
  return bytes;
}
