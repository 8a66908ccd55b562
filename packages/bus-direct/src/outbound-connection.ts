import type { AepError } from '@aep/kernel';
import { LINK_HIGH_WATER_BYTES } from '@aep/net';
import { Connection } from './connection.js';
import type { DirectOptions } from './direct-options.js';
import type { ChunkPool } from '@aep/net/internal';
import {
  checkProof,
  decodeWelcome,
  encodeHello,
  encodeProof,
  type Hello,
  makeProof,
  NONCE_BYTES,
} from './handshake.js';
import { windowCost, type WireMessage, writeMessage } from './message-codec.js';
import { PayloadReader } from './payload.js';
import { FrameType, protocolError } from './protocol.js';

/** What the owner of a connection to a subscriber is told. */
export interface OutboundEvents {
  onReady(connection: OutboundConnection): void;
  onJoin(connection: OutboundConnection, channelId: number): void;
  /** The oldest `count` messages of this connection are acknowledged. */
  onAcknowledged(connection: OutboundConnection, count: number): void;
  onRoom(connection: OutboundConnection): void;
  onEnded(connection: OutboundConnection, cause: AepError): void;
  onSettled(connection: OutboundConnection): void;
}

/**
 * The sender's side of one connection.
 * ```
 *   connecting ──open: hello──> greeting ──welcome: proof──> proving ──ready──> up ──> ended
 * ```
 */
export class OutboundConnection extends Connection {
  private step: 'connecting' | 'greeting' | 'proving' | 'up' = 'connecting';
  private readonly hello: Hello;
  private welcomedHeartbeatMs = 0;
  private windowMessages = 0;
  private windowBytes = 0;
  private sent = 0;
  private acknowledged = 0;
  private isStopped = false;
  /** Sum of the costs of what is not acknowledged; the owner keeps the messages. */
  private windowUsedBytes = 0;
  private readonly costs: Float64Ring = new Float64Ring();

  constructor(
    options: DirectOptions,
    chunks: ChunkPool,
    private readonly events: OutboundEvents,
    toApp: string,
  ) {
    super(options, chunks);
    this.hello = {
      bus: options.bus.name,
      fromApp: options.app,
      toApp,
      incarnation: options.random.uint32(),
      messageBytesMax: options.messageBytesMax,
      heartbeatMs: options.heartbeatMs,
      nonce: options.randomBytes(NONCE_BYTES),
    };
  }

  /** A message may be written now. */
  get canSend(): boolean {
    return (
      this.step === 'up' &&
      !this.isStopped &&
      !this.isEnded &&
      this.sent - this.acknowledged < this.windowMessages &&
      this.windowUsedBytes < this.windowBytes &&
      this.bufferedBytes < LINK_HIGH_WATER_BYTES
    );
  }

  sendMessage(message: WireMessage, isResent: boolean): void {
    // Counted after it is written: metadata that cannot be encoded throws and must leave no hole in the numbers.
    writeMessage(this.writer, message, isResent, this.sent + 1);
    const cost = windowCost(message);
    this.sent++;
    this.windowUsedBytes += cost;
    this.costs.push(cost);
    this.planFlush();
  }

  override onOpen(): void {
    if (this.isEnded) return;
    this.step = 'greeting';
    this.send(FrameType.hello, encodeHello(this.hello));
  }

  protected override doFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === FrameType.welcome && this.step === 'greeting') return this.onWelcome(bytes, start, end);
    if (type === FrameType.ready && this.step === 'proving') return this.onReady();
    if (this.step === 'up') {
      if (type === FrameType.ack) return this.onAck(new PayloadReader(bytes, start, end, 'ack'));
      if (type === FrameType.join) return this.onJoin(new PayloadReader(bytes, start, end, 'join'));
      if (type === FrameType.stop) {
        this.isStopped = true;
        return;
      }
    }
    throw protocolError(`a frame of type ${type} while ${this.step}`);
  }

  protected override onEnded(cause: AepError): void {
    this.events.onEnded(this, cause);
  }

  protected override onSettled(): void {
    this.events.onSettled(this);
  }

  protected override onRoom(): void {
    this.events.onRoom(this);
  }

  private onWelcome(bytes: Uint8Array, start: number, end: number): void {
    const welcome = decodeWelcome(bytes, start, end);
    const { secret } = this.options;
    // The receiver proves itself first: a stranger at its address learns nothing but our names.
    checkProof(makeProof(secret, 'receiver', this.hello, welcome.nonce), welcome.proof);
    this.windowMessages = welcome.windowMessages;
    this.windowBytes = welcome.windowBytes;
    this.step = 'proving';
    this.send(FrameType.proof, encodeProof(makeProof(secret, 'sender', this.hello, welcome.nonce)));
    this.welcomedHeartbeatMs = welcome.heartbeatMs;
  }

  private onReady(): void {
    this.step = 'up';
    this.establish(ACK_SIDE_FRAME_BYTES_MAX, this.welcomedHeartbeatMs);
    this.events.onReady(this);
  }

  private onAck(reader: PayloadReader): void {
    const upTo = reader.u53();
    reader.done();
    if (upTo < this.acknowledged || upTo > this.sent) {
      throw protocolError(`it acknowledges ${upTo}, sent are ${this.sent}, acknowledged before ${this.acknowledged}`);
    }
    const count = upTo - this.acknowledged;
    this.acknowledged = upTo;
    for (let left = count; left > 0; left--) this.windowUsedBytes -= this.costs.shift();
    this.events.onAcknowledged(this, count);
  }

  private onJoin(reader: PayloadReader): void {
    const channelId = reader.u32();
    reader.done();
    this.events.onJoin(this, channelId);
  }
}

/** A receiver never sends more than a few bytes at a time. */
const ACK_SIDE_FRAME_BYTES_MAX = 4096;

/** Numbers in order of arrival without an object for each. */
class Float64Ring {
  private slots = new Float64Array(64);
  private head = 0;
  private count = 0;

  push(value: number): void {
    if (this.count === this.slots.length) this.grow();
    this.slots[(this.head + this.count++) & (this.slots.length - 1)] = value;
  }

  shift(): number {
    const value = this.slots[this.head]!;
    this.head = (this.head + 1) & (this.slots.length - 1);
    this.count--;
    return value;
  }

  private grow(): void {
    const grown = new Float64Array(this.slots.length * 2);
    for (let index = 0; index < this.count; index++)
      grown[index] = this.slots[(this.head + index) & (this.slots.length - 1)]!;
    this.slots = grown;
    this.head = 0;
  }
}
