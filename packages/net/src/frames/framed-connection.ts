import { AepError, type Clock, type TimerHandle } from '@aep/kernel';
import type { Link, LinkHandler } from '../network.js';
import { type FrameFaults, FrameReader, type FrameSink } from './frame-reader.js';
import type { ChunkPool, FrameWriter } from './frame-writer.js';

/** What makes frames on a link one protocol. */
export interface FrameProtocol extends FrameFaults {
  /** Frames of these types are not given to `doFrame`. */
  readonly heartbeatType: number;
  readonly byeType: number;
  /** Largest frame of a peer that has not proved who it is. */
  readonly handshakeFrameBytesMax: number;
  /** Whatever a peer says of its heartbeats, silence is not borne for more than three times this. */
  readonly peerHeartbeatMsMax: number;
  readonly silent: (why: string) => AepError;
  /** Something was thrown that is no coded error: a fault of our own. */
  readonly failed: (thrown: unknown) => AepError;
  /** How a message calls the thing: "link", "connection". */
  readonly noun: string;
}

export interface ConnectionTimes {
  /** A frame at least this often, whatever the disk does (H7). */
  readonly heartbeatMs: number;
  /** A peer that is silent for so long is gone. */
  readonly silenceMs: number;
  /** From connecting to the end of the handshake. */
  readonly handshakeMs: number;
}

/** How long an orderly end may take before the link is cut. */
const LINGER_MS = 1_000;
const NO_PAYLOAD = new Uint8Array(0);

/**
 * Frames over a link, heartbeats, deadlines, and one way to end it: what both sides of every protocol on frames share. Whatever
 * the peer sends, the worst that happens is that this connection ends with a reason. Once it has ended, its owner hears nothing
 * of the peer any more: what comes late over an older connection can never be taken for something of the present.
 */
export abstract class FramedConnection<W extends FrameWriter = FrameWriter> implements LinkHandler, FrameSink {
  private link: Link | undefined;
  private frames: W | undefined;
  private readonly reader: FrameReader;
  private timer: TimerHandle;
  private lastHeardMs: number;
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
    protected readonly clock: Clock,
    private readonly times: ConnectionTimes,
    private readonly protocol: FrameProtocol,
    protected readonly chunks: ChunkPool,
  ) {
    this.reader = new FrameReader(this, protocol.handshakeFrameBytesMax, protocol);
    this.lastHeardMs = clock.monotonicMs();
    this.timer = clock.schedule(times.handshakeMs, () =>
      this.end(protocol.silent(`no handshake within ${times.handshakeMs} ms`)),
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
    this.frames = this.writerOn(link);
  }

  /** Ends the connection: tells the peer why, lets what was written leave, and reports `onEnded` once. */
  end(cause: AepError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.reader.stop();
    this.clock.cancel(this.timer);
    const { link } = this;
    if (!this.isLinkClosed && link !== undefined) {
      this.beforeBye();
      this.writer.frame(this.protocol.byeType, this.byeOf(cause));
      this.writer.flush();
      link.close();
      this.timer = this.clock.schedule(LINGER_MS, () => link.abort());
    }
    this.onEnded(cause);
    if (this.isLinkClosed || link === undefined) this.settle();
  }

  /** Puts out what was written. */
  flushNow(): void {
    if (this.isOver || this.frames === undefined) return;
    this.beforeFlush();
    this.frames.flush();
    this.link?.flush();
  }

  onOpen(): void {
    // Only a side that connects is told.
  }

  onBytes(bytes: Uint8Array): void {
    if (this.isOver) return;
    this.lastHeardMs = this.clock.monotonicMs();
    try {
      this.reader.push(bytes);
    } catch (error) {
      // Anything that is no coded error is a fault of our own; it must not end more than this connection either.
      this.end(error instanceof AepError ? error : this.protocol.failed(error));
    }
  }

  onFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === this.protocol.heartbeatType) return;
    if (type === this.protocol.byeType) this.onBye(bytes, start, end);
    else this.doFrame(type, bytes, start, end);
  }

  onWritten(chunk: Uint8Array): void {
    this.chunks.give(chunk);
    if (!this.isOver) this.onRoom();
  }

  onClose(cause: AepError | undefined): void {
    this.isLinkClosed = true;
    this.end(cause ?? closedByPeer(this.protocol.noun, this.remote));
    this.settle();
  }

  protected get writer(): W {
    return this.frames!;
  }

  protected abstract writerOn(link: Link): W;
  /** @param start the payload is `bytes[start, end)`, which is never written again */
  protected abstract doFrame(type: number, bytes: Uint8Array, start: number, end: number): void;
  /** The payload that tells the peer why. */
  protected abstract byeOf(cause: AepError): Uint8Array;
  /** The peer ends it and says why: {@link end} is to follow. */
  protected abstract onBye(bytes: Uint8Array, start: number, end: number): void;
  /** Once; the connection takes and gives nothing any more. */
  protected abstract onEnded(cause: AepError): void;
  /** Something that was written has left. */
  protected abstract onRoom(): void;
  /** Once; the link is gone too. */
  protected onSettled(): void {}
  /** The last chance to write: what is owed to the peer. */
  protected beforeBye(): void {}
  protected beforeFlush(): void {}
  /** Time for a heartbeat: whether this side has now said something of use; else it only says that it is there. */
  protected beat(): boolean {
    return false;
  }

  protected send(type: number, payload: Uint8Array = NO_PAYLOAD, tail?: Uint8Array): void {
    if (this.isOver || this.frames === undefined) return;
    this.frames.frame(type, payload, tail);
    this.planFlush();
  }

  /** Flushes after this turn, so that what is written in one turn leaves in one write. */
  protected planFlush(): void {
    if (this.isTurnPlanned) return;
    this.isTurnPlanned = true;
    this.clock.defer(this.turn);
  }

  /** The peer has proved who it is: larger frames are allowed and heartbeats begin. */
  protected establish(frameBytesMax: number, peerHeartbeatMs: number): void {
    this.reader.frameBytesMax = frameBytesMax;
    this.peerHeartbeatMs = Math.min(peerHeartbeatMs, this.protocol.peerHeartbeatMsMax);
    this.clock.cancel(this.timer);
    this.planTick();
  }

  private planTick(): void {
    this.timer = this.clock.schedule(this.times.heartbeatMs, () => this.tick());
  }

  private tick(): void {
    const silenceMs = Math.max(this.times.silenceMs, 3 * this.peerHeartbeatMs);
    const quietMs = this.clock.monotonicMs() - this.lastHeardMs;
    if (quietMs >= silenceMs) return this.end(this.protocol.silent(`nothing heard for ${Math.round(quietMs)} ms`));
    // Whatever else was written since the last tick: left out for it, a frame of just after that tick would be the only one in two.
    if (!this.beat()) this.send(this.protocol.heartbeatType);
    this.planTick();
  }

  private settle(): void {
    if (this.hasSettled) return;
    this.hasSettled = true;
    this.clock.cancel(this.timer);
    this.onSettled();
  }
}

function closedByPeer(noun: string, remote: string): AepError {
  return new AepError('AEP_NET_RESET', 'retry', `the ${noun} to ${remote} was closed by the other side`);
}
