import { AepError, type Clock, type TimerHandle, toError } from '@aep/kernel';
import { type Link, LINK_HIGH_WATER_BYTES, type LinkHandler } from '@aep/net';
import { StompFrameReader } from './frame-reader.js';
import { StompFrameWriter } from './frame-writer.js';
import { brokerError, protocolError } from './stomp-error.js';
import type { StompFrame, StompLimits } from './stomp-frame.js';

export interface StompConnectionOptions {
  readonly clock: Clock;
  /** The virtual host that is asked for. */
  readonly host: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly clientId?: string | undefined;
  /** Heartbeats are offered and asked for at this interval; 0 for none. */
  readonly heartbeatMs: number;
  /** From connecting to CONNECTED. */
  readonly connectMs: number;
  readonly limits: StompLimits;
}

/** What the owner of a connection is told; never from inside a call to it, except `onEnded` from `end`. */
export interface StompConnectionEvents {
  onConnected(connection: StompConnection): void;
  onMessage(connection: StompConnection, frame: StompFrame): void;
  /** What was written has left, or some of it. */
  onRoom(connection: StompConnection): void;
  /** Once: nothing is sent or received any more. */
  onEnded(connection: StompConnection, cause: AepError): void;
  /** Once, after `onEnded`: the link is gone too. */
  onSettled(connection: StompConnection): void;
}

/** How long an orderly end may take before the link is cut. */
const LINGER_MS = 2000;
/** The end that the owner asked for. */
export const ORDERLY_END = 'AEP_STOMP_CLOSED';

/**
 * One STOMP 1.2 connection, from the client's side.
 * ```
 *   connecting ──open: CONNECT──> greeting ──CONNECTED──> up ──close: DISCONNECT──> leaving ──RECEIPT──> ended
 *        └──────────────── any error, silence, or the end of the link ─────────────────────────────────────^
 * ```
 * Whatever the broker sends, the worst that happens is that this connection ends with a reason.
 */
export class StompConnection implements LinkHandler {
  private step: 'connecting' | 'greeting' | 'up' | 'leaving' = 'connecting';
  private link: Link | undefined;
  private writer: StompFrameWriter | undefined;
  private readonly reader: StompFrameReader;
  private readonly receipts = new Map<string, () => void>();
  private receiptCount = 0;
  private timer: TimerHandle;
  private lastHeardMs: number;
  private countAtLastTick = 0;
  private sendEveryMs = 0;
  private hearEveryMs = 0;
  private isFlushPlanned = false;
  private isOver = false;
  private isLinkClosed = false;
  private hasSettled = false;
  private readonly flushLater = (): void => {
    this.isFlushPlanned = false;
    this.flush();
  };

  constructor(
    private readonly options: StompConnectionOptions,
    private readonly events: StompConnectionEvents,
  ) {
    const { clock, connectMs, limits } = options;
    this.reader = new StompFrameReader((frame) => this.onFrame(frame), limits);
    this.lastHeardMs = clock.monotonicMs();
    this.timer = clock.schedule(connectMs, () => this.end(silent(`not connected within ${connectMs} ms`)));
  }

  get isUp(): boolean {
    return this.step === 'up' && !this.isOver;
  }

  get isEnded(): boolean {
    return this.isOver;
  }

  get remote(): string {
    return this.link?.remote ?? 'unknown';
  }

  /** A considerate writer writes now. */
  get hasRoom(): boolean {
    return this.isUp && this.writer!.bufferedBytes < LINK_HIGH_WATER_BYTES;
  }

  attach(link: Link): void {
    this.link = link;
    this.writer = new StompFrameWriter(link);
  }

  /** The id of a receipt to ask for; `onReceipt` is called when the broker has given it, and never when the connection ends before. */
  expectReceipt(onReceipt: () => void): string {
    const id = String(++this.receiptCount);
    this.receipts.set(id, onReceipt);
    return id;
  }

  send(command: string, headers: Readonly<Record<string, string>>): void {
    if (this.isOver) return;
    this.writer!.frame(command, headers);
    this.planFlush();
  }

  /** @param head an encoded head with its empty line */
  // oxlint-disable-next-line max-params -- a range of bytes is three of them
  sendRaw(head: string, bytes: Uint8Array, start: number, end: number): void {
    if (this.isOver) return;
    this.writer!.raw(head, bytes, start, end);
    this.planFlush();
  }

  /** Puts out what was written. */
  flush(): void {
    if (this.isOver) return;
    this.writer!.flush();
    this.link!.flush();
  }

  /** Ends in order: the broker has worked off all that was sent before when the link is closed. */
  close(): void {
    if (this.isOver || this.step === 'leaving') return;
    const over = new AepError(ORDERLY_END, 'retry', 'the connection was closed by its owner');
    if (this.step !== 'up') return this.end(over);
    this.step = 'leaving';
    this.send('DISCONNECT', { receipt: this.expectReceipt(() => this.end(over)) });
    this.flush();
    this.options.clock.cancel(this.timer);
    this.timer = this.options.clock.schedule(LINGER_MS, () => this.end(over));
  }

  /** Ends the connection now, and reports it once. */
  end(cause: AepError): void {
    if (this.isOver) return;
    if (this.writer !== undefined && !this.isLinkClosed) this.flush();
    this.isOver = true;
    this.reader.stop();
    this.receipts.clear();
    const { clock } = this.options;
    clock.cancel(this.timer);
    if (!this.isLinkClosed && this.link !== undefined) {
      this.link.close();
      this.timer = clock.schedule(LINGER_MS, () => this.link?.abort());
    }
    this.events.onEnded(this, cause);
    if (this.isLinkClosed || this.link === undefined) this.settle();
  }

  onOpen(): void {
    if (this.isOver) return;
    this.step = 'greeting';
    const { host, user, password, clientId, heartbeatMs } = this.options;
    this.send('CONNECT', {
      'accept-version': '1.2',
      host,
      'heart-beat': `${heartbeatMs},${heartbeatMs}`,
      ...(user === undefined ? {} : { login: user }),
      ...(password === undefined ? {} : { passcode: password }),
      ...(clientId === undefined ? {} : { 'client-id': clientId }),
    });
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

  onWritten(): void {
    if (!this.isOver) this.events.onRoom(this);
  }

  onClose(cause: AepError | undefined): void {
    this.isLinkClosed = true;
    this.end(cause ?? new AepError('AEP_NET_RESET', 'retry', `the broker at ${this.remote} has closed the connection`));
    this.settle();
  }

  private onFrame(frame: StompFrame): void {
    const { command, headers } = frame;
    if (command === 'ERROR') return this.end(brokerError(headers, this.step === 'greeting'));
    if (command === 'CONNECTED' && this.step === 'greeting') return this.onConnected(frame);
    if (this.step === 'connecting' || this.step === 'greeting')
      throw protocolError(`${command} before it was connected`);
    if (command === 'MESSAGE') {
      if (this.step === 'up') this.events.onMessage(this, frame);
    } else if (command === 'RECEIPT') this.onReceipt(headers['receipt-id'] ?? '');
    else throw protocolError(`a frame ${command}`);
  }

  private onConnected({ headers }: StompFrame): void {
    if (headers['version'] !== '1.2') {
      throw protocolError(`it speaks STOMP ${headers['version'] ?? '1.0'} and not 1.2`);
    }
    this.step = 'up';
    this.options.clock.cancel(this.timer);
    this.agreeHeartbeats(headers['heart-beat'] ?? '0,0');
    this.events.onConnected(this);
  }

  private onReceipt(id: string): void {
    const onReceipt = this.receipts.get(id);
    if (onReceipt === undefined) throw protocolError('a receipt that nobody asked for');
    this.receipts.delete(id);
    onReceipt();
  }

  private agreeHeartbeats(text: string): void {
    const match = /^(\d{1,9}),(\d{1,9})$/.exec(text.trim());
    if (match === null) throw protocolError('a heart-beat header that is not two numbers');
    const [theirs, wanted] = [Number(match[1]), Number(match[2])];
    const { heartbeatMs } = this.options;
    this.sendEveryMs = heartbeatMs > 0 && wanted > 0 ? Math.max(heartbeatMs, wanted) : 0;
    this.hearEveryMs = heartbeatMs > 0 && theirs > 0 ? Math.max(heartbeatMs, theirs) : 0;
    if (this.sendEveryMs > 0 || this.hearEveryMs > 0) this.planTick();
  }

  private planTick(): void {
    // Twice as often as promised: brokers have little patience with a heartbeat that is a little late.
    const everyMs = Math.min(this.sendEveryMs || Infinity, this.hearEveryMs || Infinity) / 2;
    this.timer = this.options.clock.schedule(everyMs, () => this.tick());
  }

  private tick(): void {
    const quietMs = this.options.clock.monotonicMs() - this.lastHeardMs;
    if (this.hearEveryMs > 0 && quietMs > 2 * this.hearEveryMs) {
      return this.end(silent(`nothing heard for ${Math.round(quietMs)} ms`));
    }
    if (this.sendEveryMs > 0 && this.writer!.count === this.countAtLastTick) {
      this.writer!.heartbeat();
      this.flush();
    }
    this.countAtLastTick = this.writer!.count;
    this.planTick();
  }

  /** Flushes after this turn, so that what is written in one turn leaves in one write. */
  private planFlush(): void {
    if (this.isFlushPlanned) return;
    this.isFlushPlanned = true;
    this.options.clock.defer(this.flushLater);
  }

  private settle(): void {
    if (this.hasSettled) return;
    this.hasSettled = true;
    this.options.clock.cancel(this.timer);
    this.events.onSettled(this);
  }
}

function silent(why: string): AepError {
  return new AepError('AEP_STOMP_SILENT', 'retry', `the broker is silent: ${why}`);
}

function fault(error: unknown): AepError {
  return new AepError(
    'AEP_STOMP_PROTOCOL',
    'retry',
    `the connection failed inside this process: ${toError(error).message}`,
    {},
    toError(error),
  );
}
