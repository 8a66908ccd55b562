import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeHead, encodeHead, readAckSubject, statusOf } from '@aep/bus-nats/internal';
import { AepError } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import fc from 'fast-check';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const wide = fc.maxSafeNat();
const metadatas = fc
  .record({
    encoding: fc.integer({ min: 0, max: 255 }),
    factoryId: u32,
    typeId: u32,
    senderId: u32,
    incarnation: wide,
    flow: wide,
    sno: fc.maxSafeInteger(),
    channelSno: wide,
    sentAtMs: wide,
    possibleDuplicate: fc.boolean(),
    traceparent: fc.option(fc.string({ unit: fc.constantFrom('0', 'a', '-'), minLength: 1, maxLength: 55 }), {
      nil: undefined,
    }),
  })
  .map((fields) => Object.assign(new MessageMetadata(), fields));

const encoder = new TextEncoder();
const decoder = new TextDecoder();

test('metadata survive the header block, with what JetStream is told beside them', () => {
  fc.assert(
    fc.property(metadatas, fc.option(fc.constant('x.1'), { nil: undefined }), (metadata, id) => {
      const head = encodeHead(metadata, id === undefined ? {} : { id, expectedLastId: 'x.0' });
      const again = new MessageMetadata();
      assert.equal(decodeHead(head, again), true);
      assert.deepEqual(again, metadata);
      assert.equal(statusOf(head), undefined);
    }),
  );
});

test('the header block says the same as the text form of the metadata', () => {
  fc.assert(
    fc.property(metadatas, (metadata) => {
      const lines = decoder.decode(encodeHead(metadata)).split('\r\n').slice(1, -2);
      assert.deepEqual(Object.fromEntries(lines.map((line) => line.split(': '))), metadata.toHeaders());
    }),
  );
});

test('headers are read in any order and spelling, with strange ones between, and broken ones are named', () => {
  fc.assert(
    fc.property(metadatas, fc.infiniteStream(fc.nat({ max: 9 })), (metadata, dice) => {
      const lines = Object.entries(metadata.toHeaders()).map(([name, value]) => {
        const spelled = dice.next().value > 4 ? name.replace(/(^|-)[a-z]/g, (part) => part.toUpperCase()) : name;
        return `${spelled}:${' '.repeat(dice.next().value % 3)}${value}`;
      });
      lines.splice(dice.next().value % lines.length, 0, 'Strange: yes', 'X:');
      lines.sort(() => dice.next().value - 4.5);
      const again = new MessageMetadata();
      decodeHead(encoder.encode(`NATS/1.0\r\n${lines.join('\r\n')}\r\n\r\n`), again);
      assert.deepEqual(again, metadata);
    }),
  );
  const broken = (line: string) => () =>
    decodeHead(encoder.encode(`NATS/1.0\r\n${line}\r\n\r\n`), new MessageMetadata());
  for (const line of [
    'aep-sno: many',
    'aep-factory-id: 4294967296',
    'aep-version: 2',
    'aep-encoding: 256',
    'aep-sno:',
  ]) {
    assert.throws(broken(line), (error) => error instanceof AepError && error.code === 'AEP_METADATA_INVALID', line);
  }
});

test('the text form in a header block is the one that other programs are told of', () => {
  const metadata = Object.assign(new MessageMetadata(), { factoryId: 1, typeId: 2, senderId: 3, sno: 4 });
  const text = decoder.decode(encodeHead(metadata, { id: '3.0.0.4' }));
  assert.deepEqual(text.split('\r\n'), [
    'NATS/1.0',
    'Nats-Msg-Id: 3.0.0.4',
    'aep-version: 1',
    'aep-encoding: 1',
    'aep-factory-id: 1',
    'aep-type-id: 2',
    'aep-sender-id: 3',
    'aep-sno: 4',
    '',
    '',
  ]);
});

test('a message of a plain client has no metadata, whatever its headers are; hostile ones do no harm', () => {
  const metadata = Object.assign(new MessageMetadata(), { sno: 9 });
  assert.equal(decodeHead(undefined, metadata), false);
  assert.equal(metadata.sno, 0, 'what stood there before is gone');
  assert.equal(decodeHead(encoder.encode('NATS/1.0\r\nContent-Type: x\r\n\r\n'), metadata), false);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeHead(bytes, metadata);
        statusOf(bytes);
      } catch (error) {
        assert.ok(error instanceof AepError && error.code === 'AEP_METADATA_INVALID', String(error));
      }
    }),
  );
});

test('the status of a message of the server is read', () => {
  assert.deepEqual(statusOf(encoder.encode('NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 1\r\n\r\n')), {
    code: 408,
    text: 'Request Timeout',
  });
  assert.deepEqual(statusOf(encoder.encode('NATS/1.0 503\r\n\r\n')), { code: 503, text: '' });
});

test('the subject of an acknowledgement says where a delivery stands, with a domain and without', () => {
  const expected = { attempts: 2, streamSeq: 77, deliverySeq: 81, storedAtNs: 1_795_273_394_668_682_752 };
  assert.deepEqual(readAckSubject('$JS.ACK.orders-bus~orders.app.2.77.81.1795273394668682752.9'), expected);
  assert.deepEqual(readAckSubject('$JS.ACK.hub.ACCHASH.S.app.2.77.81.1795273394668682752.9.random'), expected);
  for (const wrong of [
    '',
    'orders',
    '$JS.ACK.S.app.2.77',
    '$JS.ACK.S.app.0.77.81.1.9',
    '$JS.ACK.S.app.x.7.8.1.9',
    '$JS.ACK.......',
  ]) {
    assert.equal(readAckSubject(wrong), undefined, wrong);
  }
  fc.assert(fc.property(fc.string(), (text) => void readAckSubject(`$JS.ACK.${text}`)));
});
