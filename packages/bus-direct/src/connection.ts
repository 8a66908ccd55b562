import { AepError, type TimerHandle, toError } from '@aep/kernel';
import type { Link, LinkHandler } from '@aep/net';
import type { ChunkPool } from '@aep/net/internal';
import type { DirectOptions } from './direct-options.js';
import { FrameReader, type FrameSink } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { PayloadReader, PayloadWriter } from './payload.js';
import { FrameType, HANDSHAKE_FRAME_BYTES_MAX } from './protocol.js';

/** How long an orderly end may take before the link is cut. */
const LINGER_MS = 1000;
const NO_PAYLOAD = new Uint8Array(0);

/**
 * What both sides of a connection share: frames over a link, heartbeats, deadlines, and one way to end it. Whatever the peer sends, the
 * worst that happens is that this connection ends with a reason.
 */
export abstract class Connection implements LinkHandler, FrameSink {
  private linkInUse: Link | undefined;
  private frames: FrameWriter | undefined;
  private readonly reader: FrameReader;
  private timer: TimerHandle;
  private lastHeardMs: number;
  private framesAtLastTick = 0;
  private isTurnPlanned = false;
  private isOver = false;
  private isLinkClosed = false;
  private hasSettled = false;
  /** What the peer said about its heartbeats; the silence that is borne is at least three of them. */
  private peerHeartbeatMs = 0;
  private readonly turn = (): void => {
    this.isTurnPlanned = false;
    this.flushNow();
  };

  protected constructor(
    protected readonly options: DirectOptions,
    private readonly chunks: ChunkPool,
  ) {
    this.reader = new FrameReader(this, HANDSHAKE_FRAME_BYTES_MAX);
    this.lastHeardMs = options.clock.monotonicMs();
    this.timer = options.clock.schedule(options.handshakeMs, () =>
      this.end(silent(`no handshake within ${options.handshakeMs} ms`)),
    );
  }

  get isEnded(): boolean {
    return this.isOver;
  }

  get remote(): string {
    return this.linkInUse?.remote ?? 'unknown';
  }

  /** Bytes that were written here and have not left this process. */
  get bufferedBytes(): number {
    return this.frames?.bufferedBytes ?? 0;
  }

  attach(link: Link): void {
    this.linkInUse = link;
    this.frames = new FrameWriter(link, this.chunks);
  }

  /** Ends the connection: tells the peer why, lets what was written leave, and reports `onEnded` once. */
  end(cause: AepError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.reader.stop();
    const { clock } = this.options;
    clock.cancel(this.timer);
    if (!this.isLinkClosed && this.linkInUse !== undefined) {
      this.beforeBye();
      this.writer.frame(FrameType.bye, new PayloadWriter().text(cause.code).text(cause.message).done());
      this.writer.flush();
      this.linkInUse.close();
      this.timer = clock.schedule(LINGER_MS, () => this.linkInUse?.abort());
    }
    this.onEnded(cause);
    if (this.isLinkClosed || this.linkInUse === undefined) this.settle();
  }

  /** Puts out what was written. */
  flushNow(): void {
    if (this.isOver) return;
    this.beforeFlush();
    this.writer.flush();
    this.linkInUse?.flush();
  }

  onOpen(): void {
    // Only a side that connects is told.
  }

  onBytes(bytes: Uint8Array): void {
    if (this.isOver) return;
    this.lastHeardMs = this.options.clock.monotonicMs();
    try {
      this.reader.push(bytes);
    } catch (error) {
      // Anything that is no coded error is a fault of our own; it must not end more than this connection either.
      this.end(error instanceof AepError ? error : fault(error));
    }
  }

  onFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === FrameType.heartbeat) return;
    if (type === FrameType.bye) return this.end(peerSaidBye(new PayloadReader(bytes, start, end, 'bye')));
    this.doFrame(type, bytes, start, end);
  }

  onWritten(chunk: Uint8Array): void {
    this.chunks.give(chunk);
    if (!this.isOver) this.onRoom();
  }

  onClose(cause: AepError | undefined): void {
    this.isLinkClosed = true;
    this.end(
      cause ?? new AepError('AEP_NET_RESET', 'retry', `the connection to ${this.remote} was closed by the other side`),
    );
    this.settle();
  }

  protected get writer(): FrameWriter {
    return this.frames!;
  }

  protected abstract doFrame(type: number, bytes: Uint8Array, start: number, end: number): void;
  /** Once; the connection takes and gives nothing any more. */
  protected abstract onEnded(cause: AepError): void;
  /** Once; the link is gone too. */
  protected abstract onSettled(): void;
  /** What was written has left. */
  protected abstract onRoom(): void;
  /** The last chance to write: what is owed to the peer. */
  protected beforeBye(): void {}
  protected beforeFlush(): void {}

  protected send(type: number, payload: Uint8Array = NO_PAYLOAD): void {
    this.writer.frame(type, payload);
    this.planFlush();
  }

  /** Flushes after this turn, so that what is written in one turn leaves in one write. */
  protected planFlush(): void {
    if (this.isTurnPlanned) return;
    this.isTurnPlanned = true;
    this.options.clock.defer(this.turn);
  }

  /** The peer has proved who it is: larger frames are allowed and heartbeats begin. */
  protected establish(frameBytesMax: number, peerHeartbeatMs: number): void {
    this.reader.frameBytesMax = frameBytesMax;
    this.peerHeartbeatMs = Math.min(peerHeartbeatMs, 3_600_000);
    this.options.clock.cancel(this.timer);
    this.planTick();
  }

  private planTick(): void {
    this.timer = this.options.clock.schedule(this.options.heartbeatMs, () => this.tick());
  }

  private tick(): void {
    const silenceMs = Math.max(this.options.silenceMs, 3 * this.peerHeartbeatMs);
    const quietMs = this.options.clock.monotonicMs() - this.lastHeardMs;
    if (quietMs >= silenceMs) return this.end(silent(`nothing heard for ${Math.round(quietMs)} ms`));
    if (this.writer.frameCount === this.framesAtLastTick) this.send(FrameType.heartbeat);
    this.framesAtLastTick = this.writer.frameCount;
    this.planTick();
  }

  private settle(): void {
    if (this.hasSettled) return;
    this.hasSettled = true;
    this.options.clock.cancel(this.timer);
    this.onSettled();
  }
}

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

function silent(why: string): AepError {
  return new AepError('AEP_DIRECT_SILENT', 'retry', `the peer is silent: ${why}`);
}

function fault(error: unknown): AepError {
  return new AepError('AEP_DIRECT_PROTOCOL', 'retry', 'the connection failed inside this process', {}, toError(error));
}
