import type { AepError, TimerHandle } from '@aep/kernel';
import type { ActiveMqOptions } from './activemq-options.js';
import { StompConnection, type StompConnectionEvents } from './stomp/stomp-connection.js';
import type { StompFrame } from './stomp/stomp-frame.js';

/** What the owner of a line is told. */
export interface LineOwner {
  /** Connected: what the owner needs of the broker can be asked for. */
  onLineConnected(connection: StompConnection): void;
  onLineMessage(connection: StompConnection, frame: StompFrame): void;
  onLineRoom(): void;
  /** The connection is gone, or did not come to be; the line tries again by itself unless the advice is `reject`. */
  onLineLost(cause: AepError): void;
}

const LOG_AGAIN_MS = 60_000;

/**
 * A connection to the broker that comes back: with pauses that double and are half chance, through the addresses in turn, until it is closed
 * or the broker refuses for good.
 */
export class BrokerLine implements StompConnectionEvents {
  reconnects = 0;
  private current: StompConnection | undefined;
  /** Connections whose link is not gone yet. */
  private readonly unsettled = new Set<StompConnection>();
  private timer: TimerHandle | undefined;
  private failures = 0;
  private nextAddress = 0;
  private isClosed = false;
  private lastLogged = '';
  private lastLoggedMs = 0;
  private onAllSettled: (() => void) | undefined;

  constructor(
    private readonly name: 'sender' | 'receiver',
    private readonly options: ActiveMqOptions,
    private readonly owner: LineOwner,
    private readonly clientId?: string,
  ) {}

  /** The connection when it is up. */
  get connection(): StompConnection | undefined {
    return this.current?.isUp === true ? this.current : undefined;
  }

  start(): void {
    this.timer = undefined;
    const { options } = this;
    const connection = new StompConnection({ ...options, clientId: this.clientId }, this);
    this.current = connection;
    this.unsettled.add(connection);
    const address = options.addresses[this.nextAddress++ % options.addresses.length]!;
    connection.attach(options.network.connect(address, connection));
  }

  /** The broker has done what it was asked for: the next failure is a first one again. */
  worked(): void {
    this.failures = 0;
  }

  /** Ends in order; `done` comes when nothing is open any more. */
  close(done: () => void): void {
    this.isClosed = true;
    if (this.timer !== undefined) this.options.clock.cancel(this.timer);
    this.current?.close();
    if (this.unsettled.size === 0) done();
    else this.onAllSettled = done;
  }

  onConnected(connection: StompConnection): void {
    this.nextAddress--; // the next attempt begins with the address that worked
    this.owner.onLineConnected(connection);
  }

  onMessage(connection: StompConnection, frame: StompFrame): void {
    this.owner.onLineMessage(connection, frame);
  }

  onRoom(): void {
    this.owner.onLineRoom();
  }

  onEnded(connection: StompConnection, cause: AepError): void {
    if (this.current !== connection) return;
    this.current = undefined;
    if (this.isClosed) return;
    this.report(connection, cause);
    if (cause.advice === 'retry') {
      this.reconnects++;
      this.timer = this.options.clock.schedule(this.backoffMs(), () => this.start());
    }
    this.owner.onLineLost(cause);
  }

  onSettled(connection: StompConnection): void {
    this.unsettled.delete(connection);
    if (this.unsettled.size > 0 || !this.isClosed) return;
    const done = this.onAllSettled;
    this.onAllSettled = undefined;
    done?.();
  }

  /** Half of it is chance, so that the clients of a broker that comes back do not come in step. */
  private backoffMs(): number {
    const { reconnectMinMs, reconnectMaxMs, random } = this.options;
    const fullMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.min(this.failures++, 20));
    return fullMs * (0.5 + random.float() / 2);
  }

  /** Once per reason and minute, not once per attempt. */
  private report(connection: StompConnection, cause: AepError): void {
    const nowMs = this.options.clock.monotonicMs();
    if (cause.code === this.lastLogged && nowMs < this.lastLoggedMs + LOG_AGAIN_MS) return;
    this.lastLogged = cause.code;
    this.lastLoggedMs = nowMs;
    const isLasting = cause.advice !== 'retry';
    const message = isLasting ? 'the broker refuses the connection' : 'no connection to the broker, trying again';
    this.options.log.log(isLasting ? 'error' : 'warn', message, { line: this.name, remote: connection.remote }, cause);
  }
}
