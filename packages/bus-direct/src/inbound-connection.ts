import { AepError, type ObjectPool } from '@aep/kernel';
import type { ChannelDescription } from '@aep/bus';
import { Connection } from './connection.js';
import type { DirectOptions } from './direct-options.js';
import type { ChunkPool } from '@aep/net/internal';
import {
  checkProof,
  decodeHello,
  decodeProof,
  encodeWelcome,
  type Hello,
  makeProof,
  NONCE_BYTES,
} from './handshake.js';
import type { InboundDelivery } from './inbound-delivery.js';
import { type KeyCache, RecordCursor, windowCost } from './message-codec.js';
import { PayloadWriter } from './payload.js';
import { FrameType, MESSAGES_HEAD_BYTES, protocolError, readU53, writeU53 } from './protocol.js';

/** What the port does for its connections. */
export interface InboundOwner {
  readonly deliveries: ObjectPool<InboundDelivery>;
  readonly keys: KeyCache;
  /** Channels that are joined now, in order of joining. */
  readonly joined: ReadonlyMap<number, ChannelDescription>;
  readonly isReadingStopped: boolean;
  /** The peer has proved that it is this app. */
  onEstablished(connection: InboundConnection): void;
  /** False when the queue to the engine is full, which the windows of connections in order do not allow. */
  onMessage(delivery: InboundDelivery): boolean;
  onMessagesDone(): void;
  onEnded(connection: InboundConnection, cause: AepError): void;
  onSettled(connection: InboundConnection): void;
}

/**
 * The receiver's side of one connection.
 * ```
 *   waiting ──hello: welcome──> greeted ──proof: ready, joins──> up ──> ended
 * ```
 */
export class InboundConnection extends Connection {
  /** Who it says it is; proved once it is established. */
  fromApp = '';
  private step: 'waiting' | 'greeted' | 'up' = 'waiting';
  private hello: Hello | undefined;
  private readonly nonce: Uint8Array;
  private readonly cursor = new RecordCursor();
  private readonly ackPayload = new Uint8Array(8);
  private received = 0;
  private acknowledged = 0;
  private acknowledgedSent = 0;
  private keptBytes = 0;

  constructor(
    options: DirectOptions,
    chunks: ChunkPool,
    private readonly owner: InboundOwner,
  ) {
    super(options, chunks);
    this.nonce = options.randomBytes(NONCE_BYTES);
  }

  get isUp(): boolean {
    return this.step === 'up' && !this.isEnded;
  }

  /** The engine has done with the oldest message of this connection; acknowledgements of one turn share a frame. */
  acknowledge(delivery: InboundDelivery): void {
    if (this.isEnded) return;
    this.acknowledged++;
    this.keptBytes -= windowCost(delivery);
    this.planFlush();
  }

  announceJoin(channel: ChannelDescription): void {
    this.send(FrameType.join, new PayloadWriter().u32(channel.id).done());
  }

  announceStop(): void {
    this.send(FrameType.stop);
  }

  protected override doFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === FrameType.messages && this.step === 'up') return this.onMessages(bytes, start, end);
    if (type === FrameType.hello && this.step === 'waiting') return this.onHello(decodeHello(bytes, start, end));
    if (type === FrameType.proof && this.step === 'greeted') return this.onProof(decodeProof(bytes, start, end));
    throw protocolError(`a frame of type ${type} while ${this.step}`);
  }

  protected override onEnded(cause: AepError): void {
    this.owner.onEnded(this, cause);
  }

  protected override onSettled(): void {
    this.owner.onSettled(this);
  }

  protected override onRoom(): void {
    // Only acknowledgements are written here.
  }

  protected override beforeFlush(): void {
    if (this.acknowledged === this.acknowledgedSent) return;
    this.acknowledgedSent = this.acknowledged;
    writeU53(this.ackPayload, 0, this.acknowledged);
    this.writer.frame(FrameType.ack, this.ackPayload);
  }

  protected override beforeBye(): void {
    if (this.step === 'up') this.beforeFlush();
  }

  private onHello(hello: Hello): void {
    const { bus, app, messageBytesMax, windowMessages, windowBytes, heartbeatMs, secret } = this.options;
    if (hello.bus !== bus.name) throw mismatch('AEP_DIRECT_WRONG_BUS', 'bus', hello.bus);
    if (hello.toApp !== app) throw mismatch('AEP_DIRECT_WRONG_APP', 'app', hello.toApp);
    if (hello.messageBytesMax > messageBytesMax) {
      const limits = { peer: hello.messageBytesMax, own: messageBytesMax };
      const why = `the sender allows messages of ${limits.peer} bytes, this receiver only of ${limits.own} (messageBytesMax)`;
      throw new AepError('AEP_DIRECT_LIMIT_MISMATCH', 'retry', why, limits);
    }
    this.hello = hello;
    this.fromApp = hello.fromApp;
    this.step = 'greeted';
    const proof = makeProof(secret, 'receiver', hello, this.nonce);
    const incarnation = this.options.random.uint32();
    this.send(
      FrameType.welcome,
      encodeWelcome({ incarnation, windowMessages, windowBytes, heartbeatMs, nonce: this.nonce, proof }),
    );
  }

  private onProof(proof: Uint8Array): void {
    const hello = this.hello!;
    checkProof(makeProof(this.options.secret, 'sender', hello, this.nonce), proof);
    this.step = 'up';
    this.establish(this.options.frameBytesMax, hello.heartbeatMs);
    this.send(FrameType.ready);
    for (const channel of this.owner.joined.values()) this.announceJoin(channel);
    if (this.owner.isReadingStopped) this.announceStop();
    this.owner.onEstablished(this);
  }

  private onMessages(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < MESSAGES_HEAD_BYTES) throw protocolError('a frame of messages without a number');
    const first = readU53(bytes, start);
    if (first !== this.received + 1) throw protocolError(`message ${first} after ${this.received}`);
    for (let at = start + MESSAGES_HEAD_BYTES; at < end; at = this.cursor.end) {
      this.cursor.read(bytes, at, end);
      this.takeMessage(bytes);
      if (this.isEnded) return;
    }
    this.owner.onMessagesDone();
  }

  private takeMessage(bytes: Uint8Array): void {
    const { cursor, owner, options } = this;
    const channel = owner.joined.get(cursor.channelId);
    if (channel === undefined) throw protocolError(`a message for channel ${cursor.channelId}, which is not joined`);
    const length = cursor.end - cursor.start;
    if (length > options.messageBytesMax)
      throw protocolError(`a message of ${length} bytes, ${options.messageBytesMax} are allowed`);
    if (this.received - this.acknowledged >= options.windowMessages || this.keptBytes >= options.windowBytes) {
      throw protocolError('more messages than the window allows');
    }
    const delivery = owner.deliveries.take();
    delivery.channel = channel;
    delivery.key = owner.keys.decode(bytes, cursor.keyStart, cursor.metadataStart);
    delivery.metadata.decodeFrom(bytes, cursor.metadataStart, cursor.start);
    if (cursor.isRedelivered) delivery.metadata.possibleDuplicate = true;
    delivery.bytes = bytes;
    delivery.start = cursor.start;
    delivery.end = cursor.end;
    delivery.connection = this;
    this.received++;
    this.keptBytes += windowCost(delivery);
    if (!owner.onMessage(delivery)) throw protocolError('the queue to the engine is full');
  }
}

/** Says nothing of this side: a stranger may be asking. */
function mismatch(code: string, what: string, asked: string): AepError {
  const why = `the sender asks for ${what} "${asked.slice(0, 100)}", which this is not; are the addresses mixed up?`;
  return new AepError(code, 'retry', why);
}
