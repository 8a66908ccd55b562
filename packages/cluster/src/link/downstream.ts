import type { AepError } from '@aep/kernel';
import { Connection, type ConnectionContext } from './connection.js';
import {
  type Acked,
  type Bye,
  type CopyHead,
  decodeAcked,
  decodeProbed,
  encodeCopyHead,
  encodePosition,
  encodeTxId,
  type GroupPosition,
  type Probed,
} from './frames.js';
import {
  checkProof,
  decodeHello,
  decodeProof,
  encodeWelcome,
  type Hello,
  makeProof,
  type Welcome,
} from './handshake.js';
import { FrameType, HANDSHAKE_FRAME_BYTES_MAX, PayloadReader, protocolError } from './protocol.js';

/** What a primary does with what a follower says. */
export interface DownstreamHandler {
  onProbed(probed: Probed): void;
  onAcked(acked: Acked): void;
  onCopyTaken(storeId: string, chunkCount: number): void;
  /** Something has left: there may be room for more. */
  onRoom(): void;
  /** What to tell when there is nothing else to say. */
  position(): GroupPosition | undefined;
  onEnded(cause: AepError, peerSaid: Bye | undefined): void;
}

/** Who decides about followers that connect. */
export interface Admission {
  /**
   * Looks at a hello.
   *
   * @throws the reason why this member does not take it: AEP_CLUSTER_NOT_PRIMARY, AEP_LINK_OTHER_GROUP, AEP_LINK_VERSION …
   */
  welcome(hello: Hello): Omit<Welcome, 'proof'>;
  /** The follower has proved who it is, and made our epoch durable. Throws as {@link welcome}. */
  join(hello: Hello, connection: DownstreamConnection): DownstreamHandler;
}

export interface DownstreamOptions {
  readonly secret: string | undefined;
  readonly admission: Admission;
  /** The connection is gone; called for those that never joined too. */
  readonly onGone: (connection: DownstreamConnection, cause: AepError) => void;
}

/** Frames of a follower are small, whatever it copies. */
const FOLLOWER_FRAME_BYTES_MAX = HANDSHAKE_FRAME_BYTES_MAX;

/** A primary's end of the link to a follower; of any other member's too, to say that it is none. */
export class DownstreamConnection extends Connection {
  private hello: Hello | undefined;
  private welcomed: Omit<Welcome, 'proof'> | undefined;
  private handler: DownstreamHandler | undefined;

  constructor(
    context: ConnectionContext,
    private readonly options: DownstreamOptions,
  ) {
    super(context);
  }

  probe(txId: number): void {
    this.send(FrameType.probe, encodeTxId(txId));
  }

  follow(commonTxId: number): void {
    this.send(FrameType.follow, encodeTxId(commonTxId));
  }

  records(position: GroupPosition, records: Uint8Array): void {
    this.send(FrameType.records, encodePosition(position), records);
  }

  mark(position: GroupPosition): void {
    this.send(FrameType.mark, encodePosition(position));
  }

  copyBegin(head: CopyHead): void {
    this.send(FrameType.copyBegin, encodeCopyHead(head));
  }

  copyChunk(entries: Uint8Array): void {
    this.send(FrameType.copyChunk, entries);
  }

  copyEnd(): void {
    this.send(FrameType.copyEnd);
  }

  paired(epoch: number): void {
    this.send(FrameType.paired, encodeTxId(epoch));
  }

  switched(): void {
    this.send(FrameType.switched);
    this.flushNow();
  }

  protected override doFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.handler !== undefined)
      return this.onJoinedFrame(this.handler, type, new PayloadReader(bytes, start, end, 'follower'));
    if (this.hello === undefined) {
      if (type !== FrameType.hello) throw protocolError(`frame ${type} instead of a hello`);
      return this.onHello(decodeHello(bytes, start, end));
    }
    if (type !== FrameType.proof) throw protocolError(`frame ${type} instead of a proof`);
    this.onProof(this.hello, decodeProof(bytes, start, end));
  }

  private onHello(hello: Hello): void {
    const { admission, secret } = this.options;
    const welcome = admission.welcome(hello);
    this.hello = hello;
    this.welcomed = welcome;
    const proof = makeProof(secret, 'primary', hello, welcome.nonce);
    this.send(FrameType.welcome, encodeWelcome({ ...welcome, proof }));
    this.flushNow();
    this.establish(FOLLOWER_FRAME_BYTES_MAX, hello.heartbeatMs);
  }

  private onProof(hello: Hello, given: Uint8Array): void {
    const { secret, admission } = this.options;
    checkProof(makeProof(secret, 'follower', hello, this.welcomed!.nonce), given);
    this.handler = admission.join(hello, this);
  }

  private onJoinedFrame(handler: DownstreamHandler, type: number, reader: PayloadReader): void {
    switch (type) {
      case FrameType.acked:
        return handler.onAcked(decodeAcked(reader));
      case FrameType.probed:
        return handler.onProbed(decodeProbed(reader));
      case FrameType.copyTaken: {
        const storeId = reader.text();
        const chunkCount = reader.u32();
        reader.done();
        return handler.onCopyTaken(storeId, chunkCount);
      }
      default:
        throw protocolError(`frame ${type} from a follower`);
    }
  }

  protected override onGone(cause: AepError, peerSaid: Bye | undefined): void {
    this.options.onGone(this, cause);
    this.handler?.onEnded(cause, peerSaid);
  }

  protected override onRoom(): void {
    this.handler?.onRoom();
  }

  protected override beat(): boolean {
    const position = this.handler?.position();
    if (position === undefined) return false;
    this.mark(position);
    return true;
  }
}
