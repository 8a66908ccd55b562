import { AepError, toError } from '@aep/kernel';
import type { Link } from '@aep/net';
import { type ChunkPool, FramedConnection, type FrameProtocol } from '@aep/net/internal';
import type { DirectOptions } from './direct-options.js';
import { FrameWriter } from './frame-writer.js';
import { PayloadReader, PayloadWriter } from './payload.js';
import { DIRECT_FAULTS, FrameType, HANDSHAKE_FRAME_BYTES_MAX } from './protocol.js';

/** What both sides of a connection of the direct bus share. */
export abstract class Connection extends FramedConnection<FrameWriter> {
  protected constructor(
    protected readonly options: DirectOptions,
    chunks: ChunkPool,
  ) {
    super(options.clock, options, DIRECT_PROTOCOL, chunks);
  }

  protected override writerOn(link: Link): FrameWriter {
    return new FrameWriter(link, this.chunks);
  }

  protected override byeOf(cause: AepError): Uint8Array {
    return new PayloadWriter().text(cause.code).text(cause.message).done();
  }

  protected override onBye(bytes: Uint8Array, start: number, end: number): void {
    this.end(peerSaidBye(new PayloadReader(bytes, start, end, 'bye')));
  }
}

const DIRECT_PROTOCOL: FrameProtocol = {
  ...DIRECT_FAULTS,
  heartbeatType: FrameType.heartbeat,
  byeType: FrameType.bye,
  handshakeFrameBytesMax: HANDSHAKE_FRAME_BYTES_MAX,
  peerHeartbeatMsMax: 3_600_000,
  silent: (why) => new AepError('AEP_DIRECT_SILENT', 'retry', `the peer is silent: ${why}`),
  failed: (thrown) =>
    new AepError('AEP_DIRECT_PROTOCOL', 'retry', 'the connection failed inside this process', {}, toError(thrown)),
  noun: 'connection',
};

/** The peer has ended in order; there is nothing to be alarmed about. */
export const ORDERLY_END = 'AEP_DIRECT_CLOSED';

const REMOTE_TEXT_MAX = 300;

/** What the peer says is shown, but never trusted to be printable or short. */
function peerSaidBye(reader: PayloadReader): AepError {
  const code = reader.text();
  const message = reader
    .text()
    .slice(0, REMOTE_TEXT_MAX)
    .replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
  if (code === ORDERLY_END) return new AepError(ORDERLY_END, 'retry', 'the peer has closed the connection');
  const peerCode = /^AEP_[A-Z0-9_]{1,60}$/.test(code) ? code : 'unknown';
  return new AepError('AEP_DIRECT_REFUSED', 'retry', `the peer has ended the connection: ${peerCode}: ${message}`, {
    peerCode,
  });
}
