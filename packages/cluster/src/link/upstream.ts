import type { AepError } from '@aep/kernel';
import type { RecordHash } from '@aep/store';
import { Connection, type ConnectionContext } from './connection.js';
import {
  type Acked,
  type Bye,
  type CopyHead,
  decodeCopyHead,
  decodePosition,
  decodeTxId,
  encodeAcked,
  encodeProbed,
  type GroupPosition,
} from './frames.js';
import {
  checkProof,
  decodeWelcome,
  encodeHello,
  encodeProof,
  type Hello,
  makeProof,
  type Welcome,
} from './handshake.js';
import { FrameType, PayloadReader, protocolError } from './protocol.js';
import { PayloadWriter } from '@aep/net/internal';

/** What a follower does with what its primary says. Calls come in the order in which the primary sent. */
export interface UpstreamHandler {
  /** The primary has proved who it is. Call `proceed` when its epoch has been made durable here, or end the connection. */
  onWelcome(welcome: Welcome, proceed: () => void): void;
  onProbe(txId: number): RecordHash | undefined;
  /** The last common record; records from the one after it follow. */
  onFollow(commonTxId: number): void;
  onRecords(position: GroupPosition, bytes: Uint8Array, start: number, end: number): void;
  onMark(position: GroupPosition): void;
  onCopyBegin(head: CopyHead): void;
  onCopyChunk(bytes: Uint8Array, start: number, end: number): void;
  onCopyEnd(): void;
  /** This member is listed in the register since that epoch. */
  onPaired(epoch: number): void;
  onSwitched(): void;
  /** The follower's acknowledgement of this moment; undefined while it has nothing to say. */
  acknowledgement(): Acked | undefined;
  onEnded(cause: AepError, peerSaid: Bye | undefined): void;
}

export interface UpstreamOptions {
  readonly hello: Hello;
  readonly secret: string | undefined;
  readonly frameBytesMax: number;
}

/** A follower's end of the link to its primary. */
export class UpstreamConnection extends Connection {
  private phase: 'greeting' | 'promising' | 'joined' = 'greeting';

  constructor(
    context: ConnectionContext,
    private readonly options: UpstreamOptions,
    private readonly handler: UpstreamHandler,
  ) {
    super(context);
  }

  override onOpen(): void {
    this.send(FrameType.hello, encodeHello(this.options.hello));
    this.flushNow();
  }

  /** Acknowledges what is durable; at once, because the primary's clients wait for it. */
  acknowledge(): void {
    if (this.phase !== 'joined') return;
    const acked = this.handler.acknowledgement();
    if (acked === undefined) return;
    this.send(FrameType.acked, encodeAcked(acked));
    this.flushNow();
  }

  /** So many chunks of the copy are in the tables of this store. */
  copyTaken(storeId: string, chunkCount: number): void {
    this.send(FrameType.copyTaken, new PayloadWriter().text(storeId).u32(chunkCount).done());
  }

  protected override doFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.phase === 'greeting') {
      if (type !== FrameType.welcome) throw protocolError(`frame ${type} instead of a welcome`);
      return this.onWelcome(decodeWelcome(bytes, start, end));
    }
    // Frames may follow the welcome at once only when the proof is here: until then the primary has nothing to say.
    if (this.phase === 'promising') throw protocolError(`frame ${type} before the proof`);
    this.onJoinedFrame(type, bytes, start, end);
  }

  private onJoinedFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    const { handler } = this;
    switch (type) {
      case FrameType.records: {
        const reader = new PayloadReader(bytes, start, end, 'records');
        const position = decodePosition(reader);
        return handler.onRecords(position, bytes, end - reader.left, end);
      }
      case FrameType.mark: {
        const reader = new PayloadReader(bytes, start, end, 'mark');
        const position = decodePosition(reader);
        reader.done();
        return handler.onMark(position);
      }
      case FrameType.probe: {
        const txId = decodeTxId(new PayloadReader(bytes, start, end, 'probe'));
        return this.send(FrameType.probed, encodeProbed({ txId, hash: handler.onProbe(txId) }));
      }
      case FrameType.follow:
        return handler.onFollow(decodeTxId(new PayloadReader(bytes, start, end, 'follow')));
      case FrameType.copyBegin:
        return handler.onCopyBegin(decodeCopyHead(new PayloadReader(bytes, start, end, 'copyBegin')));
      case FrameType.copyChunk:
        return handler.onCopyChunk(bytes, start, end);
      case FrameType.copyEnd:
        return handler.onCopyEnd();
      case FrameType.paired:
        return handler.onPaired(decodeTxId(new PayloadReader(bytes, start, end, 'paired')));
      case FrameType.switched:
        return handler.onSwitched();
      default:
        throw protocolError(`frame ${type} from a primary`);
    }
  }

  private onWelcome(welcome: Welcome): void {
    const { hello, secret, frameBytesMax } = this.options;
    checkProof(makeProof(secret, 'primary', hello, welcome.nonce), welcome.proof);
    this.phase = 'promising';
    this.handler.onWelcome(welcome, () => {
      if (this.isEnded || this.phase !== 'promising') return;
      this.phase = 'joined';
      this.send(FrameType.proof, encodeProof(makeProof(secret, 'follower', hello, welcome.nonce)));
      this.flushNow();
    });
    if (!this.isEnded) this.establish(frameBytesMax, welcome.heartbeatMs);
  }

  protected override onGone(cause: AepError, peerSaid: Bye | undefined): void {
    this.handler.onEnded(cause, peerSaid);
  }

  protected override onRoom(): void {
    // What a follower says is small.
  }

  protected override beat(): boolean {
    // Also when nothing is new: the last acknowledgement may have been for an epoch that is over.
    const acked = this.phase === 'joined' ? this.handler.acknowledgement() : undefined;
    if (acked === undefined) return false;
    this.send(FrameType.acked, encodeAcked(acked));
    return true;
  }
}
