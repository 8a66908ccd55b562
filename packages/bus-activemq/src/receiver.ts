import { AepError, RingQueue } from '@aep/kernel';
import { type ChannelDescription, patternMatches } from '@aep/bus';
import type { ActiveMqOptions } from './activemq-options.js';
import { BrokerLine, type LineOwner } from './broker-line.js';
import { type ChannelPlan, consumerQueue, isVirtual, keyOfDestination, patternDestination } from './channel-plan.js';
import { type Dialect, dialectOf, type SubscriptionRequest } from './dialect.js';
import { InboundDelivery } from './inbound-delivery.js';
import { readMetadata } from './message-headers.js';
import { KEY_HEADER, KeyFilter, selectorOf } from './selector.js';
import type { StompConnection } from './stomp/stomp-connection.js';
import { protocolError } from './stomp/stomp-error.js';
import type { StompFrame } from './stomp/stomp-frame.js';

/** What the owner of a receiver is told; always from the event loop. */
export interface ReceiverOwner {
  onChannelJoined(channel: ChannelDescription): void;
  onReceiverUp(): void;
  onReceiverDown(cause: AepError): void;
  /** There are messages to be polled. */
  onReceived(): void;
}

/** One joined channel. */
interface Subscription {
  readonly plan: ChannelPlan;
  readonly filter: KeyFilter;
  /** Kept by the broker under this name while this app is away, and given up only by a removal. */
  readonly durableName: string | undefined;
  /** What the broker is asked for at the moment: one id for each destination. */
  ids: string[];
}

/** What comes from the broker: subscriptions, and the queue from them to the engine, which the prefetch bounds. */
export class Receiver implements LineOwner {
  private readonly line: BrokerLine;
  private readonly dialect: Dialect;
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly byId = new Map<string, Subscription>();
  private readonly ready: RingQueue<InboundDelivery>;
  private isStarted = false;
  private nextId = 1;
  private lastUnreadable = '';

  constructor(
    private readonly options: ActiveMqOptions,
    private readonly owner: ReceiverOwner,
  ) {
    this.line = new BrokerLine('receiver', options, this, options.clientId);
    this.dialect = dialectOf(options.flavor);
    this.ready = new RingQueue(READY_MAX);
  }

  /** Joins are made on the connection of the moment and on each later one. */
  join(plan: ChannelPlan, patterns: readonly string[]): void {
    const { channel } = plan;
    let subscription = this.subscriptions.get(channel.name);
    const isNew = subscription === undefined;
    subscription ??= { plan, filter: new KeyFilter(), durableName: this.durableNameOf(plan), ids: [] };
    this.subscriptions.set(channel.name, subscription);
    subscription.filter.add(patterns);
    if (!this.isStarted) {
      this.isStarted = true;
      this.line.start();
      return;
    }
    const { connection } = this.line;
    if (connection === undefined) return;
    if (!isNew) this.unsubscribe(connection, subscription);
    this.subscribe(connection, subscription);
  }

  poll(): InboundDelivery | undefined {
    return this.ready.poll();
  }

  /** One that was polled and could not be handed over. */
  unpoll(delivery: InboundDelivery): void {
    this.ready.offerFirst(delivery);
  }

  /** The engine has done with it. What came through an earlier connection is given again by the broker and known by its number. */
  acknowledge({ connection, ackId }: InboundDelivery): void {
    if (connection.isUp) connection.send('ACK', { id: ackId });
  }

  flush(): void {
    this.line.connection?.flush();
  }

  /** Unacknowledged messages go back to the broker by the end of the connection; a NACK would make dead letters of them. */
  close(preserveJoins: boolean, done: () => void): void {
    const { connection } = this.line;
    if (!preserveJoins && connection !== undefined) {
      for (const subscription of this.subscriptions.values()) this.giveUp(connection, subscription);
    }
    this.ready.clear();
    this.line.close(done);
  }

  onLineConnected(connection: StompConnection): void {
    for (const subscription of this.subscriptions.values()) this.subscribe(connection, subscription);
    this.owner.onReceiverUp();
  }

  onLineMessage(connection: StompConnection, frame: StompFrame): void {
    const { headers } = frame;
    const ackId = headers['ack'] ?? '';
    const subscription = this.byId.get(headers['subscription'] ?? '');
    // One that crossed with its UNSUBSCRIBE: it stays the broker's.
    if (subscription === undefined) return;
    if (frame.isOversized) return this.refuseSize(connection, subscription, ackId);
    const { plan, filter } = subscription;
    const key = headers[KEY_HEADER] ?? this.foreignKey(plan, headers['destination'] ?? '');
    const isWanted = filter.matches(key) && this.isFirstTaker(subscription, headers['subscription']!, key);
    if (!isWanted) return connection.send('ACK', { id: ackId });
    const delivery = new InboundDelivery(plan.channel, connection, ackId);
    delivery.key = key;
    delivery.bytes = frame.bytes;
    delivery.start = frame.start;
    delivery.end = frame.end;
    const problem = readMetadata(headers, delivery.metadata);
    if (problem !== undefined) this.reportUnreadable(plan, problem);
    if (this.ready.size >= this.readyMax) throw protocolError('more messages than the prefetch allows');
    this.ready.offer(delivery);
    this.owner.onReceived();
  }

  onLineRoom(): void {
    // Acknowledgements are few bytes, and no more of them than messages came.
  }

  onLineLost(cause: AepError): void {
    this.byId.clear();
    // The broker gives them again, in order, before anything newer. Those of BestEffort channels it does not.
    for (let left = this.ready.size; left > 0; left--) {
      const delivery = this.ready.poll()!;
      if (delivery.channel.qos === 'BestEffort') this.ready.offer(delivery);
    }
    this.owner.onReceiverDown(cause);
  }

  /** Twice what the broker may give: BestEffort messages of a connection before may still be here. */
  private get readyMax(): number {
    return 2 * this.byId.size * this.dialect.messagesMax(this.options.prefetch);
  }

  private durableNameOf(plan: ChannelPlan): string | undefined {
    const { channel, kind } = plan;
    if (channel.qos !== 'Guaranteed' || kind === 'queue') return undefined;
    return isVirtual(this.options, plan) && this.isInRoster(channel.name) ? undefined : channel.name;
  }

  private isInRoster(channel: string): boolean {
    const { bus, app } = this.options;
    return bus.roster.some((entry) => entry.app === app && entry.channel === channel);
  }

  private subscribe(connection: StompConnection, subscription: Subscription): void {
    const requests = this.requestsOf(subscription);
    let waiting = requests.length;
    const receive = (): void => {
      if (--waiting > 0) return;
      this.line.worked();
      this.owner.onChannelJoined(subscription.plan.channel);
    };
    subscription.ids = requests.map(() => String(this.nextId++));
    for (const [index, request] of requests.entries()) {
      const id = subscription.ids[index]!;
      this.byId.set(id, subscription);
      const receipt = connection.expectReceipt(receive);
      connection.send('SUBSCRIBE', { ...this.dialect.subscription(request), id, receipt });
    }
  }

  private requestsOf({ plan, filter, durableName }: Subscription): SubscriptionRequest[] {
    const { prefetch, app, pendingMax } = this.options;
    const { kind, name, channel } = plan;
    const patterns = filter.all;
    const selector = plan.filter === 'broker' ? selectorOf(patterns) : undefined;
    if (channel.qos === 'BestEffort') {
      const base = { kind, prefetch, ...(kind === 'topic' ? { pendingMax } : {}) };
      if (!plan.hasKeyDestinations) return [{ ...base, name, selector }];
      return destinationPatterns(patterns).map((pattern) => ({ ...base, name: patternDestination(plan, pattern) }));
    }
    if (kind === 'queue') return [{ kind, name, prefetch, isExclusive: true, selector }];
    if (durableName !== undefined) return [{ kind, name, prefetch, durableName, selector }];
    return [{ kind: 'queue', name: consumerQueue(app, plan), prefetch, isExclusive: true }];
  }

  private unsubscribe(connection: StompConnection, subscription: Subscription): void {
    for (const id of subscription.ids) {
      this.byId.delete(id);
      connection.send('UNSUBSCRIBE', { id });
    }
  }

  private giveUp(connection: StompConnection, subscription: Subscription): void {
    const { durableName } = subscription;
    if (durableName === undefined) return;
    this.unsubscribe(connection, subscription);
    connection.send('UNSUBSCRIBE', this.dialect.removal(durableName));
  }

  private foreignKey(plan: ChannelPlan, destination: string): string {
    return plan.hasKeyDestinations ? keyOfDestination(plan, destination) : '';
  }

  /** Where patterns have destinations of their own and overlap, the first that takes the key has the message. */
  private isFirstTaker({ plan, filter, ids }: Subscription, id: string, key: string): boolean {
    if (!plan.hasKeyDestinations || ids.length === 1) return true;
    const first = destinationPatterns(filter.all).findIndex((pattern) => patternMatches(pattern, key));
    return ids[first] === id;
  }

  /** It is not kept and cannot be handled, but it is not lost either: the broker makes a dead letter of it. */
  private refuseSize(connection: StompConnection, { plan }: Subscription, ackId: string): void {
    const { name } = plan.channel;
    const cause = new AepError(
      'AEP_STOMP_MESSAGE_TOO_LARGE',
      'reject',
      `channel ${name}@${this.options.bus.name}: a message over ${this.options.limits.bodyBytesMax} bytes (messageBytesMax) has arrived; the broker has it among its dead letters (ActiveMQ.DLQ)`,
    );
    this.options.log.log('error', 'a message was refused', { channel: name }, cause);
    connection.send('NACK', { id: ackId });
  }

  private reportUnreadable({ channel }: ChannelPlan, problem: AepError): void {
    if (problem.message === this.lastUnreadable) return;
    this.lastUnreadable = problem.message;
    this.options.log.log('warn', 'a message has metadata that cannot be read', { channel: channel.name }, problem);
  }
}

/** The ring's own bound; what counts is `readyMax`. */
const READY_MAX = 2 ** 30;

/** A key that is no level at all is taken by a wildcard for all levels only. */
function destinationPatterns(patterns: readonly string[]): readonly string[] {
  return patterns.some((pattern) => pattern === '' || pattern === '**') ? ['**'] : patterns;
}
