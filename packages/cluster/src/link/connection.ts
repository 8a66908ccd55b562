import { AepError, type Clock, toError } from '@aep/kernel';
import type { Link } from '@aep/net';
import { ChunkPool, type ConnectionTimes, FramedConnection, type FrameProtocol, FrameWriter } from '@aep/net/internal';
import { type Bye, decodeBye, encodeBye } from './frames.js';
import { FrameType, HANDSHAKE_FRAME_BYTES_MAX, LINK_FAULTS, PayloadReader } from './protocol.js';

export interface ConnectionContext {
  readonly clock: Clock;
  readonly times: ConnectionTimes;
  /** What this member says of its epoch when it ends a connection. */
  readonly epoch: () => number;
}

/** Of all links of this process: one that ends leaves its chunks to the next. */
const CHUNKS = new ChunkPool();

/**
 * One link between two members (H13): frames, heartbeats, deadlines, and one way to end it. An acknowledgement or a record of an
 * older connection can never be taken for one of the present.
 */
export abstract class Connection extends FramedConnection {
  private peerSaid: Bye | undefined;

  protected constructor(private readonly context: ConnectionContext) {
    super(context.clock, context.times, LINK_PROTOCOL, CHUNKS);
  }

  protected override writerOn(link: Link): FrameWriter {
    return new FrameWriter(link, this.chunks);
  }

  protected override byeOf(cause: AepError): Uint8Array {
    return encodeBye({ code: cause.code, message: cause.message, epoch: this.context.epoch() });
  }

  protected override onBye(bytes: Uint8Array, start: number, end: number): void {
    const bye = decodeBye(new PayloadReader(bytes, start, end, 'bye'));
    this.peerSaid = bye;
    this.end(
      new AepError('AEP_LINK_REFUSED', 'retry', `the other member has ended the link: ${bye.code}: ${bye.message}`, {
        peerCode: bye.code,
        peerEpoch: bye.epoch,
      }),
    );
  }

  protected override onEnded(cause: AepError): void {
    this.onGone(cause, this.peerSaid);
  }

  /** Once; the connection takes and gives nothing any more. `peerSaid`: the reason came from the other side. */
  protected abstract onGone(cause: AepError, peerSaid: Bye | undefined): void;
}

const LINK_PROTOCOL: FrameProtocol = {
  ...LINK_FAULTS,
  heartbeatType: FrameType.heartbeat,
  byeType: FrameType.bye,
  handshakeFrameBytesMax: HANDSHAKE_FRAME_BYTES_MAX,
  peerHeartbeatMsMax: 60_000,
  silent: (why) => new AepError('AEP_LINK_SILENT', 'retry', `the other member is silent: ${why}`),
  failed: (thrown) =>
    new AepError('AEP_LINK_PROTOCOL', 'retry', 'the link failed inside this process', {}, toError(thrown)),
  noun: 'link',
};
