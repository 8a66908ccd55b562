import { AepError, type TimerHandle } from '@aep/kernel';
import { SubscriberQueue } from '@aep/bus/internal';
import { formatAddress, type NetAddress } from '@aep/net';
import { ORDERLY_END } from './connection.js';
import type { DirectOptions } from './direct-options.js';
import type { ChunkPool } from '@aep/net/internal';
import { OutboundConnection, type OutboundEvents } from './outbound-connection.js';
import type { OutboundEntry } from './outbound-entry.js';

/** What the binding does for its peers. */
export interface PeerOwner {
  /** The peer has the message, or will never get it. The entry is the owner's again. */
  onEntryDone(entry: OutboundEntry, isDelivered: boolean): void;
  onPeerUp(peer: OutboundPeer): void;
  /** An established connection was lost, or the peer refuses us. */
  onPeerDown(peer: OutboundPeer, cause: AepError): void;
  /** The queue has room again after it was full. */
  onPeerRoom(): void;
}

/** Refusals that trying again at once cannot help. */
const LASTING_CODES = new Set([
  'AEP_DIRECT_AUTH_FAILED',
  'AEP_DIRECT_VERSION',
  'AEP_DIRECT_REFUSED',
  'AEP_DIRECT_PROTOCOL',
]);

/**
 * One subscriber of the roster as a sender sees it: its queue, which outlives connections, and the connection of the moment. Tries its
 * addresses in turn with exponential backoff and jitter, for as long as the binding is open.
 */
export class OutboundPeer implements OutboundEvents {
  readonly queue: SubscriberQueue<OutboundEntry>;
  /** A send was refused because the queue was full. */
  hasRefused = false;
  reconnects = 0;
  /** The connection of the moment, in whatever step it is. */
  private connection: OutboundConnection | undefined;
  /** Connections whose link is not gone yet: the one of the moment and earlier ones that linger. */
  private readonly unsettled = new Set<OutboundConnection>();
  private readonly addresses: readonly NetAddress[];
  private timer: TimerHandle | undefined;
  private failures = 0;
  private nextAddress = 0;
  private wasUp = false;
  private isClosed = false;
  private lastLogged = '';
  private onAllSettled: (() => void) | undefined;

  constructor(
    readonly app: string,
    private readonly options: DirectOptions,
    private readonly chunks: ChunkPool,
    private readonly owner: PeerOwner,
  ) {
    this.addresses = options.peers.get(app)!;
    this.queue = new SubscriberQueue(options.queueMax);
  }

  start(): void {
    this.timer = undefined;
    const connection = new OutboundConnection(this.options, this.chunks, this, this.app);
    this.connection = connection;
    this.unsettled.add(connection);
    const address = this.addresses[this.nextAddress++ % this.addresses.length]!;
    connection.attach(this.options.network.connect(address, connection));
  }

  /** Writes what may be written: until the window, the link or the queue says no. */
  pump(): void {
    const { connection } = this;
    if (connection === undefined) return;
    while (connection.canSend) {
      const entry = this.queue.take();
      if (entry === undefined) return;
      this.write(connection, entry);
    }
  }

  private write(connection: OutboundConnection, entry: OutboundEntry): void {
    try {
      connection.sendMessage(entry.message, entry.isResent);
    } catch (error) {
      this.queue.untake();
      throw error;
    }
  }

  /** A message offered now would go out at once. */
  get isClear(): boolean {
    return this.queue.readyCount === 0 && this.connection?.canSend === true;
  }

  flush(): void {
    this.connection?.flushNow();
  }

  /** Ends the connection in order and gives back what was not acknowledged. */
  close(done: () => void): void {
    this.isClosed = true;
    if (this.timer !== undefined) this.options.clock.cancel(this.timer);
    this.connection?.end(new AepError(ORDERLY_END, 'retry', 'the sender has closed'));
    if (this.unsettled.size === 0) done();
    else this.onAllSettled = done;
  }

  onReady(): void {
    this.failures = 0;
    this.lastLogged = '';
    this.wasUp = true;
    this.nextAddress--; // the next attempt begins with the address that worked
    this.owner.onPeerUp(this);
  }

  onJoin(_connection: OutboundConnection, channelId: number): void {
    const channel = this.options.bus.channels.find(({ id }) => id === channelId);
    if (channel === undefined) return; // a channel that only the peer's model has
    this.queue.join(channel.name);
    this.pump();
  }

  onAcknowledged(_connection: OutboundConnection, count: number): void {
    for (let left = count; left > 0; left--) this.owner.onEntryDone(this.queue.acknowledge()!, true);
    this.pump();
    if (!this.hasRefused || this.queue.size > this.queue.sizeMax / 2) return;
    this.hasRefused = false;
    this.owner.onPeerRoom();
  }

  onRoom(): void {
    this.pump();
  }

  onEnded(connection: OutboundConnection, cause: AepError): void {
    const wasUp = this.wasUp;
    this.wasUp = false;
    this.resetQueue();
    if (this.isClosed) return;
    this.report(connection, cause, wasUp);
    this.timer = this.options.clock.schedule(this.backoffMs(cause), () => this.start());
    if (wasUp || LASTING_CODES.has(cause.code)) this.owner.onPeerDown(this, cause);
  }

  onSettled(connection: OutboundConnection): void {
    this.unsettled.delete(connection);
    if (this.unsettled.size > 0) return;
    const done = this.onAllSettled;
    this.onAllSettled = undefined;
    done?.();
  }

  private resetQueue(): void {
    this.queue.reset(
      (entry) => {
        entry.isResent = true;
        return entry;
      },
      (entry) => this.owner.onEntryDone(entry, false),
    );
    // Dropped BestEffort messages may have made room.
    if (this.hasRefused && !this.queue.isFull) {
      this.hasRefused = false;
      this.options.clock.defer(() => this.owner.onPeerRoom());
    }
  }

  /** Doubles from reconnectMinMs to reconnectMaxMs; half of it is chance, so that peers of a broken network do not return in step. */
  private backoffMs(cause: AepError): number {
    const { reconnectMinMs, reconnectMaxMs, random } = this.options;
    this.reconnects++;
    const exponent = Math.min(this.failures++, 20);
    const fullMs = LASTING_CODES.has(cause.code)
      ? reconnectMaxMs
      : Math.min(reconnectMaxMs, reconnectMinMs * 2 ** exponent);
    return fullMs * (0.5 + random.float() / 2);
  }

  /** Once per reason, not once per attempt. */
  private report(connection: OutboundConnection, cause: AepError, wasUp: boolean): void {
    if (cause.code === this.lastLogged) return;
    this.lastLogged = cause.code;
    const isExpected = cause.code === ORDERLY_END || (cause.code === 'AEP_NET_CONNECT_FAILED' && !wasUp);
    const level = isExpected ? 'info' : LASTING_CODES.has(cause.code) ? 'error' : 'warn';
    const facts = { peer: this.app, remote: connection.remote, addresses: this.addresses.map(formatAddress).join(',') };
    this.options.log.log(level, `no connection to subscriber "${this.app}", trying again`, facts, cause);
  }
}
