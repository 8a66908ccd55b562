import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AepError } from '@aep/kernel';
import {
  describeRecord,
  encodeChannelTag,
  HEADER_BYTES,
  LocalCause,
  NO_HASH,
  RecordKind,
  RecordReader,
  RecordWriter,
} from '@aep/store';
import { encodable } from '@aep/store/contract';
import fc from 'fast-check';

type SectionModel =
  | { readonly tag: 'put'; readonly tableId: number; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly tag: 'delete'; readonly tableId: number; readonly key: Uint8Array }
  | {
      readonly tag: 'outbound';
      readonly flow: number;
      readonly sno: number;
      readonly key: string;
      readonly content: Uint8Array;
    };

const PLAIN = { noNullPrototype: true };
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const count = fc.nat(Number.MAX_SAFE_INTEGER);
const section: fc.Arbitrary<SectionModel> = fc.oneof(
  fc.record({ tag: fc.constant('put' as const), tableId: fc.nat(0xffff), key: bytes(300), value: bytes(2_000) }, PLAIN),
  fc.record({ tag: fc.constant('delete' as const), tableId: fc.nat(0xffff), key: bytes(300) }, PLAIN),
  fc.record(
    {
      tag: fc.constant('outbound' as const),
      flow: count,
      sno: count,
      key: fc.string({ maxLength: 200, unit: 'binary' }),
      content: bytes(2_000),
    },
    PLAIN,
  ),
);
const TAG = encodeChannelTag('bus', 'channel', 1);

describe('a record', () => {
  void it('with any sequence of sections reads back as it was written', () => {
    const writer = new RecordWriter(256);
    const reader = new RecordReader();
    fc.assert(
      fc.property(
        fc.array(section, { maxLength: 20 }),
        fc.nat(0xffff_ffff),
        fc.nat(Number.MAX_SAFE_INTEGER),
        (sections, epoch, txId) => {
          write(writer, sections, epoch, txId);
          assert.equal(reader.open(writer.bytes, 0, writer.length), writer.length);
          assert.deepEqual([reader.epoch, reader.txId], [epoch, txId]);
          assert.deepEqual(read(reader), sections);
        },
      ),
      { numRuns: 300 },
    );
  });

  void it('with any single byte changed is not read', () => {
    const writer = new RecordWriter(256);
    const reader = new RecordReader();
    fc.assert(
      fc.property(
        fc.array(section, { maxLength: 6 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (sections, at, flip) => {
          write(writer, sections, 1, 1);
          const damaged = writer.bytes.slice(0, writer.length);
          damaged[at % damaged.length]! ^= flip;
          assert.throws(() => reader.open(damaged), { code: 'AEP_RECORD_CORRUPT' });
        },
      ),
      { numRuns: 500 },
    );
  });

  void it('cut short anywhere is not read', () => {
    const writer = new RecordWriter(256);
    const reader = new RecordReader();
    write(writer, [{ tag: 'put', tableId: 1, key: Buffer.from('k'), value: Buffer.alloc(40) }], 1, 1);
    for (let length = 0; length < writer.length; length++) {
      assert.throws(() => reader.open(writer.bytes.slice(0, length)), { code: 'AEP_RECORD_CORRUPT' });
    }
  });

  void it('of any garbage gives a coded error and nothing else, with a right checksum too', () => {
    const reader = new RecordReader();
    const outcome = (open: () => void): void => {
      try {
        open();
        while (reader.next());
        describeRecord(reader);
      } catch (thrown) {
        assert.ok(thrown instanceof AepError, String(thrown));
        assert.match(thrown.code, /^AEP_RECORD_(CORRUPT|VERSION)$/);
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        outcome(() => reader.open(garbage));
        // Sealed garbage gets past the checksum: the sections' own checks must hold.
        const sealed = new RecordWriter(1_024);
        sealed.begin(RecordKind.transaction, 1, 1, 0);
        sealed.localCause(LocalCause.injected, 'x'.repeat(Math.max(0, garbage.length - LOCAL_CAUSE_BYTES)));
        sealed.bytes.set(garbage, HEADER_BYTES);
        sealed.seal(NO_HASH);
        outcome(() => reader.open(sealed.bytes, 0, sealed.length));
      }),
      { numRuns: 1_000 },
    );
  });

  void it('is the same wherever it is written, and moves when there is too little room', () => {
    const own = new RecordWriter(256);
    const placed = new RecordWriter(256);
    fc.assert(
      fc.property(fc.array(section, { maxLength: 6 }), fc.nat(2_000), fc.nat(2_000), (sections, room, start) => {
        write(own, sections, 1, 7);
        const slab = new Uint8Array(start + room).fill(0xee);
        placed.placeAt(slab, start);
        write(placed, sections, 1, 7);
        const bytes = placed.bytes.slice(placed.start, placed.start + placed.length);
        assert.deepEqual(bytes, own.bytes.slice(0, own.length));
        assert.deepEqual(
          slab.subarray(0, start),
          new Uint8Array(start).fill(0xee),
          'nothing before its place is touched',
        );
        write(placed, [], 1, 8);
        if (placed.bytes === slab) assert.fail('a place is good for one record');
      }),
      { numRuns: 300 },
    );
  });

  void it('of another format version is refused with AEP_RECORD_VERSION', () => {
    const writer = new RecordWriter(256);
    write(writer, [], 1, 9);
    writer.bytes[4] = 77;
    writer.seal(NO_HASH);
    assert.throws(() => new RecordReader().open(writer.bytes, 0, writer.length), {
      code: 'AEP_RECORD_VERSION',
      facts: { txId: 9, version: 77 },
    });
  });

  void it('larger than the journal takes is refused with AEP_RECORD_TOO_LARGE before it is sealed', () => {
    const writer = new RecordWriter(256);
    writer.begin(RecordKind.transaction, 1, 1, 0);
    assert.throws(() => writer.putBytes(1, Buffer.from('k'), new Uint8Array(0x100_0000)), {
      code: 'AEP_RECORD_TOO_LARGE',
      advice: 'reject',
    });
  });
});

/** Head of the section, kind and length of its label. */
const LOCAL_CAUSE_BYTES = 6;

function write(writer: RecordWriter, sections: readonly SectionModel[], epoch: number, txId: number): void {
  writer.begin(RecordKind.transaction, epoch, txId, 5);
  writer.localCause(LocalCause.command, 'label');
  for (const part of sections) {
    if (part.tag === 'put') writer.putBytes(part.tableId, part.key, part.value);
    else if (part.tag === 'delete') writer.delete(part.tableId, part.key, part.key.length);
    else {
      const { flow, sno, key, content } = part;
      const head = { factoryId: 3, typeId: 4, sentAtMs: 6, key, traceparent: '' };
      writer.outbound(TAG, { flow, sno, channelSno: 1 }, head, encodable(content));
    }
  }
  writer.seal(NO_HASH);
}

function read(reader: RecordReader): SectionModel[] {
  const sections: SectionModel[] = [];
  const slice = (start: number, end: number): Uint8Array => Uint8Array.from(reader.bytes.subarray(start, end));
  while (reader.next()) {
    const content = (): Uint8Array => slice(reader.contentStart, reader.contentEnd);
    if (reader.tag === 4)
      sections.push({
        tag: 'put',
        tableId: reader.tableId,
        key: slice(reader.keyStart, reader.keyEnd),
        value: content(),
      });
    else if (reader.tag === 5)
      sections.push({ tag: 'delete', tableId: reader.tableId, key: slice(reader.keyStart, reader.keyEnd) });
    else if (reader.tag === 6)
      sections.push({ tag: 'outbound', flow: reader.flow, sno: reader.sno, key: reader.key, content: content() });
    else assert.equal(reader.label, 'label');
  }
  return sections;
}
