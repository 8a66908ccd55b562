import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ChangeMap,
  encodeChannelTag,
  foldRecord,
  LocalCause,
  NO_HASH,
  RecordFold,
  RecordKind,
  RecordReader,
  RecordWriter,
} from '@aep/store';
import { encodable } from '@aep/store/contract';
import fc from 'fast-check';

const TAGS = [
  encodeChannelTag('bus', 'orders', 1),
  encodeChannelTag('bus', 'events', 1),
  encodeChannelTag('b', 'x', 0),
];

interface RecordModel {
  readonly changes: readonly { readonly tableId: number; readonly key: number; readonly value: number | undefined }[];
  readonly inbound:
    { readonly tag: number; readonly senderId: number; readonly flow: number; readonly sno: number } | undefined;
  readonly outbound: readonly { readonly tag: number; readonly flow: number; readonly sno: number }[];
}

const record: fc.Arbitrary<RecordModel> = fc.record({
  changes: fc.array(
    fc.record({
      tableId: fc.constantFrom(0, 1, 0xffff),
      key: fc.nat(3_000),
      value: fc.option(fc.nat(), { nil: undefined }),
    }),
    { maxLength: 6 },
  ),
  inbound: fc.option(fc.record({ tag: fc.nat(2), senderId: fc.nat(2), flow: fc.nat(1), sno: fc.nat(50) }), {
    nil: undefined,
  }),
  outbound: fc.array(fc.record({ tag: fc.nat(2), flow: fc.nat(2), sno: fc.nat(50) }), { maxLength: 3 }),
});

describe('a change map', () => {
  void it('holds what folding record by record gives, one entry per key, sorted by table and key', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), (records) => {
        const expected = new Map<string, string | undefined>();
        const changes = new ChangeMap();
        const fold = new RecordFold();
        const reader = new RecordReader();
        for (const bytes of records.map(encode)) {
          reader.open(bytes);
          fold.fold(reader, {
            put: (tableId, key, value) => expected.set(name(tableId, key), Buffer.from(value).toString('hex')),
            delete: (tableId, key) => expected.set(name(tableId, key), undefined),
          });
          foldRecord(reader, changes);
        }
        const found = [...changes].map(
          ({ tableId, key, value }) => [name(tableId, key), value && Buffer.from(value).toString('hex')] as const,
        );
        assert.equal(changes.size, found.length);
        assert.deepEqual(new Map(found), expected);
        const names = found.map(([key]) => key);
        assert.deepEqual(names, [...names].sort());
      }),
      { numRuns: 200 },
    );
  });

  void it('grows past its first size without losing an entry', () => {
    const changes = new ChangeMap();
    const reader = new RecordReader();
    for (let key = 0; key < 20_000; key++) {
      reader.open(encode({ changes: [{ tableId: 1, key, value: key }], inbound: undefined, outbound: [] }));
      foldRecord(reader, changes);
    }
    assert.equal(changes.size, 20_000);
    assert.equal(new Set([...changes].map(({ key }) => Buffer.from(key).toString('hex'))).size, 20_000);
  });
});

function encode({ changes, inbound, outbound }: RecordModel): Uint8Array {
  const writer = new RecordWriter(256);
  writer.begin(RecordKind.transaction, 1, 1, 0);
  if (inbound === undefined) writer.localCause(LocalCause.timer, 't');
  else writer.inboundCause({ ...inbound, channelTag: TAGS[inbound.tag]!, incarnation: 3, channelSno: inbound.sno });
  for (const { tableId, key, value } of changes) {
    const keyBytes = Buffer.from([key >> 8, key & 0xff]);
    if (value === undefined) writer.delete(tableId, keyBytes, 2);
    else writer.putBytes(tableId, keyBytes, Buffer.from(String(value)));
  }
  for (const { tag, flow, sno } of outbound) {
    const head = { factoryId: 1, typeId: 1, sentAtMs: 0, key: '', traceparent: '' };
    writer.outbound(TAGS[tag]!, { flow, sno, channelSno: sno + 1 }, head, encodable(Buffer.alloc(3)));
  }
  writer.seal(NO_HASH);
  return writer.bytes.slice(0, writer.length);
}

function name(tableId: number, key: Uint8Array): string {
  return `${tableId.toString(16).padStart(4, '0')}/${Buffer.from(key).toString('hex')}`;
}
