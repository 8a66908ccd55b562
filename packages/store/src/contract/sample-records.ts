import { assert } from '@aep/kernel';
import type { AppendResult, Journal } from '../journal.js';
import { RecordKind, LocalCause } from '../record-layout.js';
import { type Encodable, encodeChannelTag, RecordWriter } from '../record-writer.js';

/** One change of table 1: a put, or with an undefined value a delete. */
export interface SampleChange {
  readonly key: string;
  readonly value: string | undefined;
}

/**
 * Writes sample records for tests of a store: each puts or deletes some keys of table 1 and, when it has a sequence
 * number, looks as if a message had come in and one had gone out.
 */
export class SampleRecords {
  readonly writer = new RecordWriter(1_024);
  epoch = 1;

  constructor(private readonly journal: Journal) {}

  /** Appends one record with these changes. */
  append(changes: readonly SampleChange[], sno = 0): AppendResult {
    this.seal(changes, sno);
    return this.journal.append(this.writer.bytes, this.writer.length);
  }

  /** Appends `count` records that put `key-<txId>`; all of them must be accepted. */
  appendMany(count: number): void {
    for (let index = 0; index < count; index++) {
      const txId = this.journal.lastTxId + 1;
      const result = this.append([{ key: `key-${txId}`, value: `value of ${txId}` }]);
      assert(result === 'accepted', () => `record ${txId} was answered ${result}`);
    }
  }

  /** The record that `append` would append next stands in `writer`. */
  seal(changes: readonly SampleChange[], sno = 0): void {
    const { writer, journal } = this;
    writer.begin(RecordKind.transaction, this.epoch, journal.lastTxId + 1, 1_000 + journal.lastTxId);
    if (sno > 0)
      writer.inboundCause({ channelTag: INBOUND, senderId: 7, incarnation: 5, flow: 0, sno, channelSno: sno });
    else writer.localCause(LocalCause.injected, 'sample');
    for (const { key, value } of changes) {
      const keyBytes = Buffer.from(key);
      if (value === undefined) writer.delete(1, keyBytes, keyBytes.length);
      else writer.putBytes(1, keyBytes, Buffer.from(value));
    }
    if (sno > 0) {
      const head = { factoryId: 1, typeId: 2, sentAtMs: 3, key: 'A/B', traceparent: '' };
      writer.outbound(OUTBOUND, { flow: 0, sno, channelSno: sno }, head, encodable(Buffer.from(`sent ${sno}`)));
    }
    writer.seal(journal.lastHash);
  }
}

const INBOUND = encodeChannelTag('bus', 'orders', 1);
const OUTBOUND = encodeChannelTag('bus', 'order-events', 1);

/** Bytes as a message or an entity. */
export function encodable(bytes: Uint8Array): Encodable {
  return {
    $encodedSizeMax: () => bytes.length,
    $encodedSize: () => bytes.length,
    $encodeTo: (target, offset) => {
      target.set(bytes, offset);
      return offset + bytes.length;
    },
  };
}
