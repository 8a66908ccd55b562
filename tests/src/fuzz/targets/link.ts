import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { type Binding, type BusDescription, type Outbound } from '@aep/bus';
import { DirectProvider } from '@aep/bus-direct';
import {
  ChunkPool,
  DIRECT_FAULTS,
  encodeHello,
  encodeProof,
  encodeWelcome,
  FrameReader,
  FrameType,
  FrameWriter,
  type Hello,
  makeProof,
  writeU32,
  writeU53,
} from '@aep/bus-direct/internal';
import { AepError, type SeededRandom, type VirtualClock } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import type { Link, LinkHandler, ListenHandler, NetAddress, Network } from '@aep/net';
import { type FuzzTarget, piecesOf, tokensOf } from '../target.js';
import { FuzzedApp } from './fuzzed-app.js';

const NONCE = new Uint8Array(16);
const NO_PROOF = new Uint8Array(0);
/** Told apart from every other end by its code, so that an end of the fuzzer's own is no refusal. */
const ORDERLY = new AepError('AEP_DIRECT_CLOSED', 'retry', 'the fuzzer has closed the connection');
const FRAME_HEADER_BYTES = 8;
const FRAME_BYTES_MAX = 100_000;

/** The cutting of a byte stream into frames. */
export function openFrames(): FuzzTarget {
  return {
    ...formatOf('frames', 20_000),
    seeds: [receiverStream(NO_PROOF), senderStream(NO_PROOF)],
    run: (input) => {
      let bytes = 0;
      const onFrame = (_type: number, _bytes: Uint8Array, start: number, end: number): void => {
        bytes += FRAME_HEADER_BYTES + 1 + end - start;
      };
      const reader = new FrameReader({ onFrame }, FRAME_BYTES_MAX, DIRECT_FAULTS);
      for (const piece of piecesOf(input)) reader.push(piece);
      assert.ok(bytes <= input.length, 'no byte is in two frames');
    },
  };
}

/** What a peer may send to an app that listens: a handshake and messages. With a secret: nothing comes in without its proof. */
export function openReceiver(secret?: string): FuzzTarget {
  const world = new LinkWorld('b', secret);
  const proof = makeProof(secret, 'sender', RECEIVER_HELLO, NONCE);
  const binding = world.makeBinding({ peers: ['a', 'b'], roster: 'b' });
  binding.open(() => undefined);
  world.clock.settle(10);
  binding.join(BUS_CHANNEL, ['**']);
  world.clock.advance(1);
  return {
    ...formatOf(secret === undefined ? 'link-receiver' : 'secret-receiver', 4000),
    seeds: [receiverStream(proof)],
    run: (input) => {
      const link = new SilentLink();
      const handler = world.network.listening!.onLink(link);
      const before = world.fuzzed.deliveries;
      world.feed(handler, input);
      const isProven = secret === undefined || Buffer.from(input).includes(Buffer.from(proof));
      assert.ok(isProven || world.fuzzed.deliveries === before, 'a message came in without the proof of the secret');
      world.end(handler, link);
    },
    close: () => binding.close({ preserveJoins: false }, () => undefined),
  };
}

/** What a peer may answer to an app that connects to it: a handshake, joins and acknowledgements. */
export function openSender(secret?: string): FuzzTarget {
  const world = new LinkWorld('a', secret);
  return {
    ...formatOf(secret === undefined ? 'link-sender' : 'secret-sender', 2000),
    seeds: [senderStream(makeProof(secret, 'receiver', SENDER_HELLO, NONCE))],
    run: (input) => {
      const binding = world.makeBinding({ peers: ['b'], roster: 'b' });
      binding.open(() => undefined);
      world.clock.advance(1);
      for (let number = 1; number <= 3; number++) binding.send(outbound(number));
      const { handler, link } = world.network.connecting!;
      handler.onOpen();
      world.feed(handler, input);
      binding.close({ preserveJoins: false }, () => undefined);
      world.end(handler, link);
      // Whatever the peer did, the binding has closed: no timer of its connections is left.
      world.clock.advance(60_000);
    },
  };
}

const BUS_CHANNEL = { name: 'orders', id: 1, qos: 'Guaranteed', properties: {} } as const;

/** One app on a direct bus, and a network on which the fuzzer is every peer. */
class LinkWorld {
  readonly fuzzed = new FuzzedApp(ORDERLY);
  readonly clock = this.fuzzed.clock;
  readonly network = new PeerlessNetwork(this.clock);
  private binding: Binding | undefined;

  constructor(
    private readonly app: string,
    private readonly secret: string | undefined,
  ) {}

  makeBinding({ peers, roster }: { readonly peers: readonly string[]; readonly roster: string }): Binding {
    const bus: BusDescription = {
      name: 'bus',
      provider: 'direct',
      address: '',
      port: 0,
      properties: {
        ...Object.fromEntries(peers.map((peer, index) => [`peer.${peer}`, `127.0.0.1:${5001 + index}`])),
        ...(this.secret === undefined ? {} : { secret: this.secret }),
      },
      channels: [BUS_CHANNEL],
      roster: [{ app: roster, channel: BUS_CHANNEL.name, patterns: ['**'] }],
    };
    const provider = new DirectProvider({ network: this.network, variables: {}, randomBytes: () => NONCE });
    this.binding = provider.createBinding(
      this.fuzzed.bindingOptions(bus, { app: this.app, messageBytesMax: 10_000, mayFail: false }),
    );
    return this.binding;
  }

  /** What arrives is acknowledged while the connection lasts, but for the last message. */
  feed(handler: LinkHandler, input: Uint8Array): void {
    for (const piece of piecesOf(input)) handler.onBytes(piece);
    this.clock.advance(1);
    this.acknowledge(1);
  }

  /** The connection is gone. @throws what was a fault of our own, or else why the connection ended before */
  end(handler: LinkHandler, link: SilentLink): void {
    handler.onClose(ORDERLY);
    for (const chunk of link.written.splice(0)) handler.onWritten(chunk);
    this.clock.advance(1);
    // An engine that was busy acknowledges after the connection has broken.
    this.acknowledge(0);
    this.clock.advance(1);
    this.fuzzed.report();
  }

  private acknowledge(keep: number): void {
    const { unacknowledged } = this.fuzzed;
    while (unacknowledged.length > keep) this.binding!.acknowledge(unacknowledged.shift()!);
  }
}

/** Remembers who listens and who connects, so that the fuzzer can play the other side. */
class PeerlessNetwork implements Network {
  listening: ListenHandler | undefined;
  connecting: { readonly handler: LinkHandler; readonly link: SilentLink } | undefined;

  constructor(private readonly clock: VirtualClock) {}

  listen(address: NetAddress, handler: ListenHandler): { close(done: () => void): void } {
    this.listening = handler;
    this.clock.defer(() => handler.onListening(address));
    return { close: (done) => this.clock.defer(done) };
  }

  connect(_address: NetAddress, handler: LinkHandler): Link {
    const link = new SilentLink();
    this.connecting = { handler, link };
    return link;
  }
}

class SilentLink implements Link {
  readonly remote = '127.0.0.1:40000';
  readonly bufferedBytes = 0;
  readonly written: Uint8Array[] = [];

  write(chunk: Uint8Array): void {
    this.written.push(chunk);
  }

  flush(): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
  abort(): void {}
}

function formatOf(name: string, testRuns: number): Pick<FuzzTarget, 'name' | 'testRuns' | 'tokens' | 'repair'> {
  const frames = [
    frame(FrameType.heartbeat),
    frame(FrameType.stop),
    frame(FrameType.ready),
    frame(FrameType.bye, Uint8Array.from([1, 0, 65, 1, 0, 66])),
    frame(FrameType.bye, Uint8Array.from([17, 0, ...Buffer.from('AEP_DIRECT_CLOSED'), 2, 0, 111, 107])),
    frame(FrameType.messages, messagesPayload(1)),
    frame(77, Uint8Array.of(1)),
  ];
  return { name, testRuns, tokens: [...frames, ...tokensOf('bus', 'orders'), Uint8Array.of(1, 0, 0, 0)], repair };
}

/** Right checksums, and lengths that end where the input does when they were too long. */
function repair(input: Uint8Array, random: SeededRandom): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  for (let at = 0; input.length - at > FRAME_HEADER_BYTES;) {
    const room = input.length - at - FRAME_HEADER_BYTES;
    const said = view.getUint32(at, true);
    const length = said >= 1 && said <= room ? said : 1 + random.below(room);
    const start = at + FRAME_HEADER_BYTES;
    view.setUint32(at, length, true);
    view.setUint32(at + 4, crc32(input.subarray(start, start + length)), true);
    at = start + length;
  }
  return input;
}

const RECEIVER_HELLO: Hello = {
  bus: 'bus',
  fromApp: 'x',
  toApp: 'b',
  incarnation: 1,
  messageBytesMax: 1000,
  heartbeatMs: 1000,
  nonce: NONCE,
};
/** As the binding says it; what else is in it is not in the proof. */
const SENDER_HELLO: Hello = { ...RECEIVER_HELLO, fromApp: 'a' };

function receiverStream(proof: Uint8Array): Uint8Array {
  return joined(
    frame(FrameType.hello, encodeHello(RECEIVER_HELLO)),
    frame(FrameType.proof, encodeProof(proof)),
    frame(FrameType.messages, messagesPayload(1)),
    frame(FrameType.heartbeat),
    frame(FrameType.messages, messagesPayload(3)),
  );
}

function senderStream(proof: Uint8Array): Uint8Array {
  const limits = { incarnation: 1, windowMessages: 2, windowBytes: 1000, heartbeatMs: 1000 };
  const ack = new Uint8Array(8);
  writeU53(ack, 0, 2);
  return joined(
    frame(FrameType.welcome, encodeWelcome({ ...limits, nonce: NONCE, proof })),
    frame(FrameType.ready),
    frame(FrameType.join, Uint8Array.of(1, 0, 0, 0)),
    frame(FrameType.ack, ack),
  );
}

/** Two messages with a key, the first of them numbered `first`. */
function messagesPayload(first: number): Uint8Array {
  const head = new Uint8Array(8);
  writeU53(head, 0, first);
  return joined(head, record('NEWORDERS/Österreich'), record(''));
}

function record(key: string): Uint8Array {
  const keyBytes = Buffer.from(key);
  const metadata = new MessageMetadata();
  metadata.sno = 1;
  const metadataBytes = new Uint8Array(metadata.encodedSize());
  metadata.encodeTo(metadataBytes, 0);
  const head = new Uint8Array(13);
  writeU32(head, 1, BUS_CHANNEL.id);
  head[5] = keyBytes.length;
  head[7] = metadataBytes.length;
  head[9] = 4;
  return joined(head, keyBytes, metadataBytes, Uint8Array.of(1, 2, 3, 4));
}

function frame(type: number, payload: Uint8Array = NO_PROOF): Uint8Array {
  const link = new SilentLink();
  const writer = new FrameWriter(link, new ChunkPool());
  writer.frame(type, payload);
  writer.flush();
  return joined(...link.written);
}

function outbound(number: number): Outbound {
  const metadata = new MessageMetadata();
  metadata.sno = number;
  return { channel: BUS_CHANNEL, key: 'k', metadata, bytes: Uint8Array.of(1, 2, 3, 4), start: 0, end: 4 };
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
