import assert from 'node:assert/strict';
import type { Binding, BusDescription, Outbound } from '@aep/bus';
import { ActiveMqProvider } from '@aep/bus-activemq';
import { StompFrameReader } from '@aep/bus-activemq/internal';
import { AepError } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import type { Link, LinkHandler, Network } from '@aep/net';
import { bytesOfText, type FuzzTarget, piecesOf, tokensOf } from '../target.js';
import { FuzzedApp } from './fuzzed-app.js';

const CHANNEL = { name: 'orders', id: 1, qos: 'Guaranteed', properties: {} } as const;
const LIMITS = { headBytesMax: 2000, headerCountMax: 30, bodyBytesMax: 500 };
/** The end of the fuzzer's own, which is no refusal. */
const ORDERLY = new AepError('AEP_NET_RESET', 'retry', 'the fuzzer has cut the connection');

const CONNECTED = 'CONNECTED\nversion:1.2\nheart-beat:1000,1000\nserver:ActiveMQ/5.17.2\n\n\0\n';
/** Of the queue that a sender makes, and of the subscription that a receiver makes. */
const RECEIPT = 'RECEIPT\nreceipt-id:1\n\n\0\n';
const HEADERS =
  'aep_key:N/US\naep-type-id:1\naep-factory-id:21\naep-metadata:21 1 97 1 0 7 7 1760000000000\nredelivered:true\n';
const MESSAGE = `MESSAGE\nsubscription:1\nack:ID\\cvm-1\\c2\nmessage-id:5\ndestination:/queue/q\n${HEADERS}content-length:5\n\nhe\0lo\0\n`;
const TEXT_MESSAGE = 'MESSAGE\r\nsubscription:1\r\nack:3\r\n\r\nhello\0';
const ERROR = 'ERROR\nmessage:User name [aep] or password is invalid.\ncontent-type:text/plain\n\nat org.apache\0';

/** The cutting of a byte stream into STOMP frames. */
export function openStompFrames(): FuzzTarget {
  return {
    ...formatOf('stomp-frames', 15_000),
    seeds: [CONNECTED + RECEIPT + MESSAGE + MESSAGE, TEXT_MESSAGE + ERROR].map(bytesOfText),
    run: (input) => {
      let bytes = 0;
      const reader = new StompFrameReader(({ command, start, end, isOversized }) => {
        assert.ok(end - start <= LIMITS.bodyBytesMax && (!isOversized || end === start), 'no body is over its limit');
        bytes += command.length + end - start;
      }, LIMITS);
      for (const piece of piecesOf(input)) reader.push(piece);
      assert.ok(bytes <= input.length, 'no byte is in two frames');
    },
  };
}

/** What a broker may say to a binding that sends and receives; both of its connections hear the same. */
export function openStompClient(): FuzzTarget {
  const world = new StompFuzzWorld();
  return {
    ...formatOf('stomp-client', 1500),
    seeds: [CONNECTED + RECEIPT + MESSAGE + TEXT_MESSAGE, CONNECTED + RECEIPT + MESSAGE + MESSAGE].map(bytesOfText),
    run: (input) => world.run(input),
  };
}

function formatOf(name: string, testRuns: number): Pick<FuzzTarget, 'name' | 'testRuns' | 'tokens'> {
  const parts = [
    'content-length:3\n',
    'content-length:99999999999\n',
    'receipt-id:1\n',
    'ack:',
    '\\c',
    '\\',
    '\n\n',
    '\r\n',
    '\0',
  ];
  return { name, testRuns, tokens: tokensOf(CONNECTED, MESSAGE, TEXT_MESSAGE, ERROR, ...parts) };
}

class StompFuzzWorld {
  private readonly fuzzed = new FuzzedApp(ORDERLY);
  private readonly clock = this.fuzzed.clock;
  private readonly network = new OneSidedNetwork();

  run(input: Uint8Array): void {
    const binding = this.makeBinding();
    const { unacknowledged } = this.fuzzed;
    let isOpen = false;
    binding.open((error) => (isOpen = error === undefined));
    this.feed(input);
    if (isOpen) {
      binding.join(CHANNEL, ['**']);
      for (let number = 1; number <= 3; number++) binding.send(outbound(number));
      this.feed(input);
      while (unacknowledged.length > 0) binding.acknowledge(unacknowledged.shift()!);
      this.clock.advance(1);
    }
    binding.close({ preserveJoins: false }, () => undefined);
    for (const handler of this.network.handlers.splice(0)) handler.onClose(ORDERLY);
    unacknowledged.length = 0;
    // Whatever the broker said, the binding has closed: no timer of its connections is left.
    this.clock.advance(60_000);
    assert.equal(this.network.handlers.length, 0, 'a closed binding connects to nobody');
    this.fuzzed.report();
  }

  private feed(input: Uint8Array): void {
    const handler = this.network.handlers.at(-1);
    if (handler === undefined) return;
    handler.onOpen();
    for (const piece of piecesOf(input)) handler.onBytes(piece);
    this.clock.advance(1);
  }

  private makeBinding(): Binding {
    const roster = [{ app: 'a', channel: CHANNEL.name, patterns: ['**'] }];
    const bus: BusDescription = {
      name: 'bus',
      provider: 'stomp',
      address: '',
      port: 0,
      properties: {},
      channels: [CHANNEL],
      roster,
    };
    return new ActiveMqProvider({ network: this.network, variables: {} }).createBinding(
      this.fuzzed.bindingOptions(bus, { app: 'a', messageBytesMax: 500, mayFail: true }),
    );
  }
}

/** Everybody connects to the fuzzer. */
class OneSidedNetwork implements Network {
  readonly handlers: LinkHandler[] = [];

  listen(): never {
    throw new Error('nobody listens here');
  }

  connect(_address: unknown, handler: LinkHandler): Link {
    this.handlers.push(handler);
    const nothing = (): void => undefined;
    return {
      remote: '127.0.0.1:61613',
      bufferedBytes: 0,
      write: nothing,
      flush: nothing,
      pause: nothing,
      resume: nothing,
      close: nothing,
      abort: nothing,
    };
  }
}

function outbound(number: number): Outbound {
  const metadata = new MessageMetadata();
  metadata.sno = number;
  return { channel: CHANNEL, key: 'N/US', metadata, bytes: Uint8Array.of(1, 2, 3), start: 0, end: 3 };
}
