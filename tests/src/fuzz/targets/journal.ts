import assert from 'node:assert/strict';
import { AepError, type SeededRandom } from '@aep/kernel';
import {
  ChangeMap,
  describeRecord,
  encodeChannelTag,
  foldRecord,
  HEADER_BYTES,
  LocalCause,
  NO_HASH,
  RecordFold,
  RecordKind,
  RecordReader,
  RecordWriter,
  hashRecord,
} from '@aep/store';
import { encodable } from '@aep/store/contract';
import { recordsOf } from '@aep/store/internal';
import { bytesOfText, type FuzzTarget, tokensOf } from '../target.js';

/** Records as they lie in a journal and on the replication link: one after another, read, folded and described. */
export function openRecords(): FuzzTarget {
  return {
    name: 'records',
    testRuns: 10_000,
    seeds: [oneRecord(1, stateSections), oneRecord(1, messageSections), run()],
    tokens: [
      ...tokensOf('channel', 'bus'),
      ...[
        [1, 0, 0, 0],
        [3, 0, 0, 0],
        [6, 255, 255, 255],
        [4, 4, 0, 0],
      ].map((head) => Uint8Array.from(head)),
    ],
    repair: reseal,
    run: readAll,
  };
}

/** All that a recovery, a listing and a backup do with records. */
function readAll(input: Uint8Array): void {
  const reader = new RecordReader();
  const changes = new ChangeMap();
  const folds = new RecordFold();
  let puts = 0;
  let at = 0;
  do {
    at = reader.open(input, at);
    foldRecord(reader, changes);
    folds.fold(reader, { put: () => void puts++, delete: () => void puts++ });
    const description = describeRecord(reader);
    JSON.stringify(description);
    assert.ok(description.changes.length <= puts, 'a described change is a folded change');
  } while (at < input.length);
  const first = new DataView(input.buffer, input.byteOffset).getUint32(12, true);
  for (const { bytes } of recordsOf([{ firstTxId: first, bytes: input, start: 0, end: input.length }], first))
    assert.ok(bytes.length >= HEADER_BYTES);
}

/** Lengths as they were found, as far as they can be, and right checksums: the sections are read then. */
function reseal(input: Uint8Array, random: SeededRandom): Uint8Array {
  const hash = { low: 0, high: 0 };
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  for (let at = 0; input.length - at >= HEADER_BYTES;) {
    const said = view.getUint32(at, true);
    const isPossible = said >= HEADER_BYTES && said <= input.length - at;
    const length = isPossible ? said : input.length - at;
    view.setUint32(at, length, true);
    if (random.below(16) > 0) view.setUint8(at + 4, 1);
    hashRecord(view, at, at + length, hash);
    view.setUint32(at + 40, hash.low, true);
    view.setUint32(at + 44, hash.high, true);
    at += length;
  }
  return input;
}

const TAG = encodeChannelTag('orders-bus', 'new-orders-channel', 1);
const HEAD = {
  factoryId: 1,
  typeId: 10,
  sentAtMs: 1_763_725_000_000,
  key: 'NEWORDERS/Österreich/Toys',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};

function stateSections(writer: RecordWriter): void {
  writer.localCause(LocalCause.timer, 'daily');
  writer.putBytes(300, bytesOfText('key'), bytesOfText('value'));
  writer.putBytes(2, bytesOfText('key'), new Uint8Array(200));
  writer.delete(300, bytesOfText('key'), 3);
}

function messageSections(writer: RecordWriter): void {
  const numbers = { flow: 0, sno: 7, channelSno: 9 };
  writer.inboundCause({ channelTag: TAG, senderId: 77, incarnation: 3, flow: 2 ** 40, sno: 5, channelSno: 6 });
  writer.message(HEAD, bytesOfText('message'));
  writer.outbound(TAG, numbers, HEAD, encodable(bytesOfText('sent')));
  writer.outbound(TAG, { ...numbers, flow: 4 }, { ...HEAD, key: '', traceparent: '' }, encodable(bytesOfText('')));
}

function oneRecord(txId: number, sections: (writer: RecordWriter) => void, previous = NO_HASH): Uint8Array {
  return sealed(new RecordWriter(1024), { txId, sections, previous });
}

function run(): Uint8Array {
  const writer = new RecordWriter(1024);
  const first = sealed(writer, { txId: 1, sections: stateSections, previous: NO_HASH });
  const second = sealed(writer, { txId: 2, sections: messageSections, previous: { ...writer.hash } });
  return Uint8Array.from([...first, ...second]);
}

interface Sealing {
  readonly txId: number;
  readonly sections: (writer: RecordWriter) => void;
  readonly previous: typeof NO_HASH;
}

function sealed(writer: RecordWriter, { txId, sections, previous }: Sealing): Uint8Array {
  writer.begin(RecordKind.transaction, 1, txId, 1_763_725_000_000);
  sections(writer);
  writer.seal(previous);
  if (writer.length > 60_000) throw new AepError('AEP_ASSERTION', 'fatal', 'a seed fits into an input');
  return writer.bytes.slice(0, writer.length);
}
