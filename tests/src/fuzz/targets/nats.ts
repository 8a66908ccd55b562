import assert from 'node:assert/strict';
import { ChannelSubjects, decodeHead, readAckSubject, statusOf } from '@aep/bus-nats/internal';
import { MessageMetadata } from '@aep/messages';
import { bytesOfText, type FuzzTarget, textOfBytes, tokensOf } from '../target.js';

const HEAD = [
  'NATS/1.0',
  'Nats-Msg-Id: 2n.1.0.7',
  'aep-version: 1',
  'aep-encoding: 1',
  'aep-factory-id: 1',
  'aep-type-id: 10',
  'aep-sender-id: 97',
  'aep-sno: 7',
  'aep-sent-at-ms: 1760000000000',
  'Traceparent: 00-a-b-01',
].join('\r\n');
const ACK = '$JS.ACK.bus~orders.app.1.77.81.1795273394668682752.9';

/**
 * What the NATS client hands over: subject and reply subject as its first two lines, and a header block. They come from whoever may publish
 * on the bus, and from the server.
 */
export function openNatsMessages(): FuzzTarget {
  const subjects = new ChannelSubjects('bus.orders');
  const metadata = new MessageMetadata();
  return {
    name: 'nats-messages',
    testRuns: 20_000,
    seeds: [
      `bus.orders.NEWORDERS.US.a%2Eb\n${ACK}\n${HEAD}\r\n\r\n`,
      `bus.orders\n$JS.ACK.hub.HASH.S.app.2.77.81.1.9.random\nNATS/1.0\r\nContent-Type: x\r\n\r\n`,
      `_INBOX.x.1\n\nNATS/1.0 409 Message Size Exceeds MaxBytes\r\nNats-Pending-Messages: 3\r\n\r\n`,
    ].map(bytesOfText),
    tokens: tokensOf(
      '\r\n',
      '\n',
      '%',
      '%2E',
      '.',
      ' ',
      ': ',
      'aep-sno: -1',
      'aep-version: 2',
      '9'.repeat(20),
      '$JS.ACK.',
    ),
    run: (input) => {
      const [subject = '', reply = '', ...rest] = textOfBytes(input).split('\n');
      const key = subjects.toKey(subject);
      assert.equal(typeof key, 'string');
      const position = readAckSubject(reply);
      if (position !== undefined) assert.ok(position.streamSeq > 0 && position.deliverySeq > 0, reply);
      const head = bytesOfText(rest.join('\n'));
      const status = statusOf(head);
      if (status !== undefined) assert.ok(status.code >= 0 && status.code <= 999, String(status.code));
      decodeHead(head, metadata);
      // What has been taken can be said again.
      assert.ok(Object.keys(metadata.toHeaders()).length > 0);
    },
  };
}
