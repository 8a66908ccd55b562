import { AepError } from '@aep/kernel';
import type { MemoryNetworkOptions } from './memory-network.js';
import type { Link, LinkHandler } from './network.js';

/** A connection as the network holds it. */
export interface Wire {
  connects(one: string, other: string): boolean;
  touches(node: string): boolean;
  pump(): void;
  reset(): void;
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly dueMs: number;
  /** The chunk that is given back once this piece has arrived. */
  readonly lastOf: Uint8Array | undefined;
}

/** One end of a connection in memory: holds the pieces on their way to the other end. */
export class MemoryLink implements Link {
  handler!: LinkHandler;
  isEnded = false;
  bufferedBytes = 0;
  private isFinished = false;
  private isPaused = false;
  private isPumping = false;
  private isClosing = false;
  private lastDueMs = 0;
  private readonly pieces: Piece[] = [];
  private peer: MemoryLink | undefined;
  private isDirectionBlocked: () => boolean = () => false;
  private forget: () => void = () => {};

  constructor(
    readonly remote: string,
    private readonly options: MemoryNetworkOptions,
  ) {}

  attach(peer: MemoryLink, isDirectionBlocked: () => boolean, forget: () => void): void {
    this.peer = peer;
    this.isDirectionBlocked = isDirectionBlocked;
    this.forget = forget;
    this.pump();
  }

  write(chunk: Uint8Array): void {
    if (this.isEnded || this.isFinished) {
      this.options.clock.defer(() => this.handler.onWritten(chunk));
      return;
    }
    this.bufferedBytes += chunk.length;
    const { clock, random, delayMs = 0, jitterMs = 0, pieceBytesMax = 65_536 } = this.options;
    for (let start = 0; start < chunk.length;) {
      const size = Math.min(chunk.length - start, 1 + random.below(pieceBytesMax));
      const dueMs = Math.max(this.lastDueMs, clock.monotonicMs() + delayMs + random.float() * jitterMs);
      this.lastDueMs = dueMs;
      const end = start + size;
      // A copy: the receiver may keep its bytes and the sender gets its chunk back.
      this.pieces.push({ bytes: chunk.slice(start, end), dueMs, lastOf: end === chunk.length ? chunk : undefined });
      start = end;
    }
    this.pump();
  }

  flush(): void {
    // Pieces are on their way already.
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.peer?.pump();
  }

  close(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.isClosing = true;
    if (this.peer === undefined) return;
    this.options.clock.defer(() => this.pumpNow());
  }

  abort(): void {
    this.isEnded = true;
    this.options.clock.defer(() => {
      this.peer?.finish(
        new AepError('AEP_NET_RESET', 'retry', `the connection to ${this.peer.remote} was reset by the other side`),
      );
      this.finish(undefined);
    });
  }

  /** The end of this end. */
  finish(cause: AepError | undefined): void {
    if (this.isFinished) return;
    this.isFinished = true;
    this.forget();
    this.options.clock.defer(() => {
      for (const piece of this.pieces.splice(0)) if (piece.lastOf !== undefined) this.handler.onWritten(piece.lastOf);
      this.handler.onClose(this.isEnded ? undefined : cause);
    });
  }

  /** Moves pieces that are due to the other end, from the event loop. */
  pump(): void {
    if (this.isPumping || this.peer === undefined || this.isFinished) return;
    const next = this.pieces[0];
    if (next === undefined && !this.isClosing) return;
    this.isPumping = true;
    const { clock } = this.options;
    clock.schedule(Math.max(0, (next?.dueMs ?? 0) - clock.monotonicMs()), () => {
      this.isPumping = false;
      this.pumpNow();
    });
  }

  private pumpNow(): void {
    const peer = this.peer!;
    if (this.isFinished || this.isDirectionBlocked() || peer.isPaused) return;
    const nowMs = this.options.clock.monotonicMs();
    const next = this.pieces[0];
    if (next !== undefined && next.dueMs <= nowMs) {
      this.pieces.shift();
      this.bufferedBytes -= next.bytes.length;
      if (!peer.isEnded && !peer.isFinished) peer.handler.onBytes(next.bytes);
      if (next.lastOf !== undefined) this.handler.onWritten(next.lastOf);
    } else if (next === undefined && this.isClosing) {
      peer.finish(undefined);
      this.finish(undefined);
      return;
    }
    this.pump();
  }
}
