import { AepError, type Clock, type TimerHandle, toError } from '@aep/kernel';
import type { Link, LinkHandler } from '@aep/net';
import { ChunkPool, FrameReader, type FrameSink, FrameWriter } from '@aep/net/internal';
import { type Bye, decodeBye, encodeBye } from './frames.js';
import { FrameType, HANDSHAKE_FRAME_BYTES_MAX, LINK_FAULTS, PayloadReader } from './protocol.js';

/** Times and sizes of a link. */
export interface LinkTimes {
  /** A frame at least this often, whatever the disk does (H7). */
  readonly heartbeatMs: number;
  /** A peer that is silent for so long is gone. */
  readonly silenceMs: number;
  /** From connecting to the end of the handshake. */
  readonly handshakeMs: number;
}

export interface ConnectionContext {
  readonly clock: Clock;
  readonly times: LinkTimes;
  /** What this member says of its epoch when it ends a connection. */
  readonly epoch: () => number;
}

/** How long an orderly end may take before the link is cut. */
const LINGER_MS = 1_000;
const NO_PAYLOAD = new Uint8Array(0);

/**
 * One link between two members: frames, heartbeats, deadlines, and one way to end it. Whatever the peer sends, the worst that
 * happens is that this connection ends with a reason (H13). Once it has ended, its owner hears nothing of it any more: an
 * acknowledgement or a record of an older connection can never be taken for one of the present.
 */
export abstract class Connection implements LinkHandler, FrameSink {
  private link: Link | undefined;
  private frames: FrameWriter | undefined;
  private readonly chunks = new ChunkPool();
  private readonly reader: FrameReader;
  private timer: TimerHandle;
  private lastHeardMs: number;
  private framesAtLastTick = 0;
  private isFlushPlanned = false;
  private isOver = false;
  private isLinkClosed = false;
  /** What the peer said about its heartbeats; the silence that is borne is at least three of them. */
  private peerHeartbeatMs = 0;

  protected constructor(protected readonly context: ConnectionContext) {
    const { clock, times } = context;
    this.reader = new FrameReader(this, HANDSHAKE_FRAME_BYTES_MAX, LINK_FAULTS);
    this.lastHeardMs = clock.monotonicMs();
    this.timer = clock.schedule(times.handshakeMs, () =>
      this.end(silent(`no handshake within ${times.handshakeMs} ms`)),
    );
  }

  get isEnded(): boolean {
    return this.isOver;
  }

  get remote(): string {
    return this.link?.remote ?? 'unknown';
  }

  /** Bytes that were written here and have not left this process. */
  get bufferedBytes(): number {
    return this.frames?.bufferedBytes ?? 0;
  }

  attach(link: Link): void {
    this.link = link;
    this.frames = new FrameWriter(link, this.chunks);
  }

  /** Ends the connection: tells the peer why, lets what was written leave, and reports `onEnded` once. */
  end(cause: AepError, peerSaid?: Bye): void {
    if (this.isOver) return;
    this.isOver = true;
    this.reader.stop();
    const { clock } = this.context;
    clock.cancel(this.timer);
    const { link, frames } = this;
    if (!this.isLinkClosed && link !== undefined && frames !== undefined) {
      frames.frame(FrameType.bye, encodeBye({ code: cause.code, message: cause.message, epoch: this.context.epoch() }));
      frames.flush();
      link.close();
      this.timer = clock.schedule(LINGER_MS, () => link.abort());
    }
    this.onEnded(cause, peerSaid);
  }

  onOpen(): void {
    // Only a side that connects is told.
  }

  onBytes(bytes: Uint8Array): void {
    if (this.isOver) return;
    this.lastHeardMs = this.context.clock.monotonicMs();
    try {
      this.reader.push(bytes);
    } catch (error) {
      // Anything that is no coded error is a fault of our own; it must not end more than this connection either.
      this.end(error instanceof AepError ? error : fault(error));
    }
  }

  onFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === FrameType.heartbeat) return;
    if (type !== FrameType.bye) return this.doFrame(type, bytes, start, end);
    const bye = decodeBye(new PayloadReader(bytes, start, end, 'bye'));
    this.end(
      new AepError('AEP_LINK_REFUSED', 'retry', `the other member has ended the link: ${bye.code}: ${bye.message}`, {
        peerCode: bye.code,
        peerEpoch: bye.epoch,
      }),
      bye,
    );
  }

  onWritten(chunk: Uint8Array): void {
    this.chunks.give(chunk);
    if (!this.isOver) this.onRoom();
  }

  onClose(cause: AepError | undefined): void {
    this.isLinkClosed = true;
    this.context.clock.cancel(this.timer);
    this.end(
      cause ?? new AepError('AEP_NET_RESET', 'retry', `the link to ${this.remote} was closed by the other side`),
    );
  }

  /** @param start the payload is `bytes[start, end)`, which is never written again */
  protected abstract doFrame(type: number, bytes: Uint8Array, start: number, end: number): void;
  /** Once; the connection takes and gives nothing any more. `peerSaid`: the reason came from the other side. */
  protected abstract onEnded(cause: AepError, peerSaid: Bye | undefined): void;
  /** Something that was written has left. */
  protected abstract onRoom(): void;
  /** Nothing was written for a heartbeat's time: whether this side has said something of use; else it only says that it is there. */
  protected abstract beat(): boolean;

  protected send(type: number, payload: Uint8Array = NO_PAYLOAD, tail?: Uint8Array): void {
    if (this.isOver || this.frames === undefined) return;
    this.frames.frame(type, payload, tail);
    this.planFlush();
  }

  /** Puts out what was written. */
  flushNow(): void {
    if (this.isOver) return;
    this.frames?.flush();
    this.link?.flush();
  }

  /** The peer has proved who it is: larger frames are allowed and heartbeats begin. */
  protected establish(frameBytesMax: number, peerHeartbeatMs: number): void {
    this.reader.frameBytesMax = frameBytesMax;
    this.peerHeartbeatMs = Math.min(peerHeartbeatMs, 60_000);
    this.context.clock.cancel(this.timer);
    this.planTick();
  }

  /** Flushes after this turn, so that what is written in one turn leaves in one write. */
  private planFlush(): void {
    if (this.isFlushPlanned) return;
    this.isFlushPlanned = true;
    this.context.clock.defer(() => {
      this.isFlushPlanned = false;
      this.flushNow();
    });
  }

  private planTick(): void {
    this.timer = this.context.clock.schedule(this.context.times.heartbeatMs, () => this.tick());
  }

  private tick(): void {
    const silenceMs = Math.max(this.context.times.silenceMs, 3 * this.peerHeartbeatMs);
    const quietMs = this.context.clock.monotonicMs() - this.lastHeardMs;
    if (quietMs >= silenceMs) return this.end(silent(`nothing heard for ${Math.round(quietMs)} ms`));
    const frameCount = this.frames?.frameCount ?? 0;
    if (frameCount === this.framesAtLastTick && !this.beat()) this.send(FrameType.heartbeat);
    this.framesAtLastTick = this.frames?.frameCount ?? 0;
    this.planTick();
  }
}

function silent(why: string): AepError {
  return new AepError('AEP_LINK_SILENT', 'retry', `the other member is silent: ${why}`);
}

function fault(error: unknown): AepError {
  return new AepError('AEP_LINK_PROTOCOL', 'retry', 'the link failed inside this process', {}, toError(error));
}
