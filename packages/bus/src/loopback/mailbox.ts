import { SubscriberQueue } from '../subscriber-queue.js';
import type { LoopbackDelivery } from './envelope.js';
import type { LoopbackBinding } from './loopback-binding.js';

/** What the bus keeps for one app: it outlives the app's bindings. */
export class Mailbox {
  readonly queue: SubscriberQueue<LoopbackDelivery>;
  /** The open binding of the app; at most one. */
  binding: LoopbackBinding | undefined;
  /** Senders that found it full. */
  readonly blocked = new Set<LoopbackBinding>();
  /** By channel name. */
  readonly subscriptions = new Map<string, Subscription>();

  constructor(
    readonly app: string,
    queueMax: number,
  ) {
    this.queue = new SubscriberQueue(queueMax);
  }

  subscription(channelName: string): Subscription {
    let subscription = this.subscriptions.get(channelName);
    if (subscription === undefined) {
      subscription = new Subscription(this, channelName);
      this.subscriptions.set(channelName, subscription);
    }
    return subscription;
  }
}

/** One app on one channel. */
export class Subscription {
  /** Named by the roster or preserved at a close: kept while the app is away. */
  isDurable = false;
  readonly patterns = new Set<string>();

  constructor(
    readonly mailbox: Mailbox,
    readonly channelName: string,
  ) {}
}
