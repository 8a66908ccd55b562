import type {
  Binding,
  BindingListener,
  BusDescription,
  ChannelDescription,
  Delivery,
  DeliveryResult,
  Outbound,
} from '@aep/bus';
import { AepError, assert, didYouMean, RingQueue } from '@aep/kernel';
import type { BusUse } from '../engine-options.js';
import { BusStatistics } from '../statistics.js';
import type { LoopTime } from '../transaction/loop-time.js';
import { ChannelPort } from './channel-port.js';
import type { OutboundMessage } from './outbound-message.js';

/**
 * - `closed`: not opened yet, or closed by a stop.
 * - `opening`: the first attempt is under way.
 * - `up`: connected; sends go out as they are released.
 * - `down`: the binding reconnects; released messages wait in the (journaled) outbox.
 * - `failed`: it does not come back; released messages stay in doubt for the next start.
 */
export type BusState = 'closed' | 'opening' | 'up' | 'down' | 'failed';

/** What the port tells its engine. */
export interface BusPortListener {
  onDelivery(port: ChannelPort, delivery: Delivery): DeliveryResult;
  onConfirmed(outbound: OutboundMessage): void;
  /** Makes the marks of a channel that was not known at the start. */
  onStranger(port: ChannelPort): void;
  /** There is room for outbound messages again. */
  onRoom(): void;
  onChannelUp(port: ChannelPort): void;
  onChannelDown(port: ChannelPort, cause: AepError): void;
  onBusDown(bus: BusPort, cause: AepError): void;
  onBusUp(bus: BusPort): void;
  onBusFailed(bus: BusPort, cause: AepError): void;
}

const WAITING_MAX = 2 ** 30;
/** Channels that a bus delivers from although the deployment does not have them; past it the oldest is forgotten. */
const STRANGERS_MAX = 64;

/** One bus of one engine: its binding, its channels, and the released messages that the binding has no room for. */
export class BusPort implements BindingListener {
  readonly name: string;
  readonly channels = new Map<string, ChannelPort>();
  readonly statistics = new BusStatistics();
  binding: Binding | undefined;
  private readonly strangers = new Map<string, ChannelPort>();
  private lastChannel: ChannelDescription | undefined;
  private lastPort: ChannelPort | undefined;
  private current: BusState = 'closed';
  /** Released, in order, and not yet taken by the binding. Its bound is that of `pending`: see {@link reserve}. */
  private readonly waiting = new RingQueue<OutboundMessage>(WAITING_MAX);
  private reserved = 0;

  constructor(
    private readonly use: BusUse,
    private readonly listener: BusPortListener,
    readonly outboundPendingMax: number,
    private readonly time: LoopTime,
  ) {
    this.name = use.description.name;
  }

  get description(): BusDescription {
    return this.use.description;
  }

  /** A confirmed message is held by whoever received it, and not by a broker in between. */
  get isHeldByReceiver(): boolean {
    return this.use.provider.supports.custody === 'receiver';
  }

  get state(): BusState {
    return this.current;
  }

  set state(state: BusState) {
    this.current = state;
  }

  /** The binding's first attempt succeeded: what waits goes out. */
  opened(): void {
    this.current = 'up';
    this.announceSendOnly();
    this.drain();
  }

  /** A channel that is only sent on is up with its bus (E1); a joined one when its join is in force. */
  private announceSendOnly(): void {
    for (const port of this.channels.values()) if (!port.joined) this.listener.onChannelUp(port);
  }

  /** Closes the binding; what it has not confirmed stays in the journal, in doubt. */
  close(preserveJoins: boolean): Promise<void> {
    const { binding } = this;
    this.current = 'closed';
    this.binding = undefined;
    this.waiting.clear();
    this.reserved = 0;
    return binding === undefined
      ? Promise.resolve()
      : new Promise((resolve) => binding.close({ preserveJoins }, resolve));
  }

  /** Messages sealed and not yet confirmed. */
  get pending(): number {
    return this.reserved;
  }

  get isFull(): boolean {
    return this.reserved >= this.outboundPendingMax;
  }

  /** @throws AEP_CHANNEL_UNKNOWN with the nearest name (E42) */
  channel(name: string): ChannelPort {
    const port = this.channels.get(name);
    if (port === undefined) {
      throw new AepError(
        'AEP_CHANNEL_UNKNOWN',
        'reject',
        `bus "${this.name}" has no channel "${name}"${didYouMean(name, this.channels.keys())}`,
        {
          bus: this.name,
          channel: name,
        },
      );
    }
    return port;
  }

  /**
   * Counts a message from its seal on, long before it is released: at the limit the engine takes no further event (E43),
   * so what waits here exceeds the limit by at most the messages of one transaction.
   */
  reserve(): void {
    this.reserved++;
  }

  /** Takes over a stable message. Order on the wire is the order of these calls. */
  release(outbound: OutboundMessage): void {
    const { statistics } = outbound.port;
    statistics.sent++;
    statistics.bytesOut += outbound.end - outbound.start;
    if (outbound.port.qos === 0 && this.current !== 'up') {
      statistics.bestEffortDropped++;
      this.onConfirmed(outbound);
      return;
    }
    if (this.waiting.size === 0 && this.offer(outbound)) return;
    assert(this.waiting.offer(outbound), 'the waiting queue has room for all that can be in flight');
  }

  /** Puts out what this turn has sent. */
  flush(): void {
    if (this.current === 'up') this.binding?.flush();
  }

  /** After a storage error nothing is sent any more (H22). */
  halt(): void {
    this.current = 'failed';
  }

  /** E16: not handled, but numbered, deduplicated and acknowledged in order like every message. */
  private stranger(channel: ChannelDescription): ChannelPort {
    let port = this.strangers.get(channel.name);
    if (port !== undefined) return port;
    if (this.strangers.size >= STRANGERS_MAX) this.strangers.delete(this.strangers.keys().next().value!);
    port = new ChannelPort(this, channel, 0, { name: channel.name });
    port.isKnown = false;
    this.listener.onStranger(port);
    this.strangers.set(channel.name, port);
    return port;
  }

  private offer(outbound: OutboundMessage): boolean {
    if (this.current !== 'up' || this.binding === undefined) return false;
    if (this.binding.send(outbound) !== 'accepted') return false;
    if (outbound.isTimed) outbound.sentAtMs = this.time.nowMs;
    if (outbound.port.qos === 0) this.onConfirmed(outbound);
    return true;
  }

  private drain(): void {
    for (;;) {
      const next = this.waiting.peek();
      if (next === undefined || !this.offer(next)) break;
      this.waiting.poll();
    }
    this.binding?.flush();
    this.listener.onRoom();
  }

  // What the binding says.

  onDelivery(delivery: Delivery): DeliveryResult {
    const { channel } = delivery;
    // Deliveries come in runs of one channel.
    if (channel !== this.lastChannel || !this.lastPort!.isKnown) {
      this.lastPort = this.channels.get(channel.name) ?? this.stranger(channel);
      this.lastChannel = channel;
    }
    return this.listener.onDelivery(this.lastPort!, delivery);
  }

  onConfirmed(outbound: Outbound): void {
    this.reserved--;
    this.listener.onConfirmed(outbound as OutboundMessage);
  }

  onWritable(): void {
    this.drain();
  }

  onChannelUp(channel: ChannelDescription): void {
    const port = this.channel(channel.name);
    port.isUp = true;
    this.listener.onChannelUp(port);
  }

  onChannelDown(channel: ChannelDescription, cause: AepError): void {
    const port = this.channel(channel.name);
    port.isUp = false;
    this.listener.onChannelDown(port, cause);
  }

  onBindingUp(): void {
    if (this.current === 'closed' || this.current === 'failed') return;
    this.current = 'up';
    this.listener.onBusUp(this);
    this.announceSendOnly();
    this.drain();
  }

  onBindingDown(cause: AepError): void {
    if (this.current === 'closed') return;
    this.current = 'down';
    this.statistics.downs++;
    this.listener.onBusDown(this, cause);
  }

  onBindingFailed(cause: AepError): void {
    if (this.current === 'closed') return;
    this.current = 'failed';
    this.listener.onBusFailed(this, cause);
  }
}
