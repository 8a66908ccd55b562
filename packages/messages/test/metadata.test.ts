import { MessageMetadata } from '@aep/messages';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

const seed =
  process.env['AEP_SEED'] === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env['AEP_SEED']);
const invalid = (message: RegExp): { code: string; message: RegExp } => ({ code: 'AEP_METADATA_INVALID', message });

const natural = fc.oneof(
  fc.constantFrom(0, 127, 128, 2 ** 28, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
);
const id = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const fields = fc.record({
  encoding: fc.integer({ min: 0, max: 255 }),
  factoryId: id,
  typeId: id,
  senderId: id,
  incarnation: natural,
  flow: natural,
  sno: fc.maxSafeInteger(),
  channelSno: natural,
  possibleDuplicate: fc.boolean(),
  sentAtMs: natural,
  traceparent: fc.option(fc.stringMatching(/^[ -~]{0,255}$/), { nil: undefined }),
});

function encode(metadata: MessageMetadata): Uint8Array {
  const bytes = new Uint8Array(metadata.encodedSize());
  assert.equal(metadata.encodeTo(bytes, 0), bytes.length);
  return bytes;
}

test('metadata reads back as it was written, in bytes and in headers (E50)', () => {
  fc.assert(
    fc.property(fields, (values) => {
      const metadata = Object.assign(new MessageMetadata(), values);
      const around = new Uint8Array(metadata.encodedSize() + 20).fill(0xff);
      const end = metadata.encodeTo(around, 10);
      const decoded = new MessageMetadata();
      decoded.decodeFrom(around, 10, end);
      assert.deepEqual(decoded, metadata);
      const fromHeaders = new MessageMetadata();
      fromHeaders.fromHeaders(metadata.toHeaders());
      assert.deepEqual(fromHeaders, metadata);
      const copied = new MessageMetadata();
      copied.copyFrom(metadata);
      assert.deepEqual(copied, metadata);
    }),
    { seed },
  );
});

test('hostile bytes give metadata or a coded error', () => {
  const metadata = new MessageMetadata();
  const check = (bytes: Uint8Array): void => {
    try {
      metadata.decodeFrom(bytes, 0, bytes.length);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'AEP_METADATA_INVALID');
    }
  };
  const plausible = fc
    .uint8Array({ maxLength: 60 })
    .map((bytes) => Uint8Array.from([1, 1, (bytes[0] ?? 0) & 7, ...bytes]));
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), plausible), check), { seed, numRuns: 2000 });
});

test('metadata that is cut off anywhere, or has something behind it, is refused', () => {
  const bytes = encode(Object.assign(new MessageMetadata(), { sno: 300, traceparent: '00-ab-cd-01' }));
  const metadata = new MessageMetadata();
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => metadata.decodeFrom(bytes, 0, length), invalid(/message metadata: /), String(length));
  }
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  assert.throws(() => metadata.decodeFrom(longer, 0, longer.length), invalid(/traceparent/));
});

test('another version and unknown flags are refused', () => {
  const bytes = encode(new MessageMetadata());
  const metadata = new MessageMetadata();
  assert.throws(
    () => metadata.decodeFrom(Uint8Array.from([2, ...bytes.slice(1)]), 0, bytes.length),
    invalid(/version: expected 1, got 2/),
  );
  assert.throws(
    () => metadata.decodeFrom(Uint8Array.from([1, 1, 8, ...bytes.slice(3)]), 0, bytes.length),
    invalid(/unknown flags/),
  );
});

test('fields out of their range are refused when they are written', () => {
  const target = new Uint8Array(400);
  for (const [name, value] of [
    ['sno', 1.5],
    ['senderId', 2 ** 32],
    ['flow', -1],
    ['sentAtMs', NaN],
    ['traceparent', 'x'.repeat(256)],
    ['traceparent', 'ü'],
  ] as const) {
    const metadata = Object.assign(new MessageMetadata(), { [name]: value });
    assert.throws(() => metadata.encodeTo(target, 0), invalid(new RegExp(name)), name);
  }
  assert.throws(() => new MessageMetadata().encodeTo(new Uint8Array(5), 0), invalid(/room/));
});

test('headers that are wrong are refused with their name, others are ignored', () => {
  const metadata = new MessageMetadata();
  metadata.fromHeaders({ 'content-type': 'x', 'aep-sno': '7' });
  assert.equal(metadata.sno, 7);
  assert.throws(
    () => metadata.fromHeaders({ 'aep-sno': 'seven' }),
    invalid(/aep-sno: expected an integer, got "seven"/),
  );
  assert.throws(() => metadata.fromHeaders({ 'aep-possible-duplicate': '1' }), invalid(/aep-possible-duplicate/));
  assert.throws(() => metadata.fromHeaders({ 'aep-version': '2' }), invalid(/aep-version/));
});

test('reset gives back the defaults', () => {
  const metadata = Object.assign(new MessageMetadata(), { sno: 5, traceparent: 'x', possibleDuplicate: true });
  metadata.reset();
  assert.deepEqual(metadata, new MessageMetadata());
});
