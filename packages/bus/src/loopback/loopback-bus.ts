import { AepError, type Clock, ObjectPool, type TimerHandle } from '@aep/kernel';
import type { BusDescription, Outbound } from '../binding-contract.js';
import { channelUnknown } from '../bus-binding.js';
import { integerProperty } from '../bus-properties.js';
import { PatternMatcher } from '../keys/pattern-matcher.js';
import { Envelope, LoopbackDelivery } from './envelope.js';
import type { LoopbackBinding } from './loopback-binding.js';
import { Mailbox, type Subscription } from './mailbox.js';

const IDLE_POOLED_MAX = 8192;

/** One in-process bus: what a broker would be. Mailboxes per app, subscriptions per channel. */
export class LoopbackBus {
  private readonly mailboxes = new Map<string, Mailbox>();
  private readonly matchers = new Map<string, PatternMatcher<Subscription>>();
  private readonly envelopes = new ObjectPool(() => new Envelope(), IDLE_POOLED_MAX);
  private readonly deliveries = new ObjectPool(() => new LoopbackDelivery(), IDLE_POOLED_MAX);
  private readonly idleWaiters = new Set<() => void>();
  private readonly queueMax: number;
  private lastName: string | undefined;
  private lastMatcher: PatternMatcher<Subscription> | undefined;
  /** Guaranteed messages that are not confirmed. */
  pendingAcks = 0;

  constructor(
    description: BusDescription,
    private readonly clock: Clock,
  ) {
    this.queueMax = integerProperty(description, { name: 'queueMax', min: 1, max: 10_000_000, defaultValue: 65_536 });
  }

  /** Takes over channels and roster of a binding's description; bindings of one bus share them. */
  enroll(description: BusDescription): void {
    for (const channel of description.channels) {
      if (!this.matchers.has(channel.name)) this.matchers.set(channel.name, new PatternMatcher());
    }
    for (const { app, channel, patterns } of description.roster) {
      if (!this.matchers.has(channel)) throw channelUnknown(description.name, channel);
      const subscription = this.mailbox(app).subscription(channel);
      subscription.isDurable = true;
      this.subscribe(subscription, patterns.length === 0 ? ['**'] : patterns);
    }
  }

  mailbox(app: string): Mailbox {
    let mailbox = this.mailboxes.get(app);
    if (mailbox === undefined) {
      mailbox = new Mailbox(app, this.queueMax);
      this.mailboxes.set(app, mailbox);
    }
    return mailbox;
  }

  subscribe(subscription: Subscription, patterns: readonly string[]): void {
    const matcher = this.matchers.get(subscription.channelName)!;
    for (const pattern of patterns) {
      if (subscription.patterns.has(pattern)) continue;
      matcher.add(pattern, subscription);
      subscription.patterns.add(pattern);
    }
  }

  hasChannel(name: string): boolean {
    return this.matchers.has(name);
  }

  /** Hands it to every matching mailbox; false when one of them has no room, and then nobody gets it. */
  send(sender: LoopbackBinding, outbound: Outbound, isGuaranteed: boolean): boolean {
    const matcher = this.matcherOf(outbound.channel.name);
    if (matcher === undefined) throw channelUnknown(sender.busName, outbound.channel.name);
    const subscriptions = matcher.match(outbound.key);
    if (!this.hasRoom(subscriptions, sender, isGuaranteed)) return false;
    if (subscriptions.length === 0) {
      // Nobody is to have it, so it is confirmed as it is: no copy is made.
      if (isGuaranteed) {
        this.pendingAcks++;
        sender.confirmLater(outbound);
      }
      return true;
    }
    const envelope = this.envelopes.take();
    if (isGuaranteed) {
      envelope.sender = sender;
      envelope.outbound = outbound;
      this.pendingAcks++;
    }
    for (const subscription of subscriptions) this.post(subscription, outbound, envelope, sender);
    if (envelope.awaiting === 0) this.finish(envelope);
    return true;
  }

  /** Messages come in runs of one channel. */
  private matcherOf(channelName: string): PatternMatcher<Subscription> | undefined {
    if (channelName !== this.lastName) {
      this.lastMatcher = this.matchers.get(channelName);
      this.lastName = this.lastMatcher === undefined ? undefined : channelName;
    }
    return this.lastMatcher;
  }

  /** One subscriber has it, or is no longer waited for. */
  release(delivery: LoopbackDelivery): void {
    const envelope = delivery.envelope!;
    const mailbox = delivery.mailbox!;
    delivery.clear();
    this.deliveries.give(delivery);
    if (--envelope.awaiting === 0) this.finish(envelope);
    if (mailbox.blocked.size === 0 || mailbox.queue.size > mailbox.queue.sizeMax / 2) return;
    for (const sender of mailbox.blocked) sender.wakeBlocked();
    mailbox.blocked.clear();
  }

  /** A sender leaves with its buffers: nobody is to be told of what it sent, but the messages stay. */
  forgetSender(sender: LoopbackBinding): void {
    for (const mailbox of this.mailboxes.values()) {
      mailbox.blocked.delete(sender);
      mailbox.queue.forEach((delivery) => {
        if (delivery.envelope?.sender === sender) delivery.detach();
      });
    }
  }

  /** The app's binding is gone. Unacknowledged messages wait for the next one, in order and marked as possible duplicates. */
  detach(mailbox: Mailbox, preserveJoins: boolean): void {
    mailbox.binding = undefined;
    mailbox.queue.reset(
      (delivery) => this.redeliverable(delivery),
      (delivery) => this.release(delivery),
    );
    for (const subscription of mailbox.subscriptions.values()) {
      if (subscription.isDurable) continue;
      if (preserveJoins) subscription.isDurable = true;
      else this.unsubscribe(subscription);
    }
  }

  confirmed(): void {
    this.pendingAcks--;
    if (this.pendingAcks > 0) return;
    for (const waiter of this.idleWaiters) waiter();
    this.idleWaiters.clear();
  }

  /** Resolves once every Guaranteed message is confirmed. @throws AEP_LOOPBACK_ACKS_PENDING (retry) after `timeoutMs` */
  waitForPendingAcks(timeoutMs: number): Promise<void> {
    if (this.pendingAcks === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const idle = (): void => {
        this.clock.cancel(timer);
        resolve();
      };
      const timer: TimerHandle = this.clock.schedule(timeoutMs, () => {
        this.idleWaiters.delete(idle);
        reject(acksPending(this.pendingAcks, timeoutMs));
      });
      this.idleWaiters.add(idle);
    });
  }

  private hasRoom(subscriptions: readonly Subscription[], sender: LoopbackBinding, isGuaranteed: boolean): boolean {
    for (const { mailbox, channelName } of subscriptions) {
      const isWanted = isGuaranteed || mailbox.queue.isJoined(channelName);
      if (!isWanted || !mailbox.queue.isFull) continue;
      mailbox.blocked.add(sender);
      return false;
    }
    return true;
  }

  private post(subscription: Subscription, outbound: Outbound, envelope: Envelope, sender: LoopbackBinding): void {
    const { mailbox } = subscription;
    if (envelope.outbound === undefined && !mailbox.queue.isJoined(subscription.channelName)) {
      sender.counts.dropped++;
      return;
    }
    const delivery = this.deliveries.take();
    delivery.fill(outbound, envelope, mailbox);
    envelope.awaiting++;
    mailbox.queue.offer(delivery);
    mailbox.binding?.wake();
  }

  private finish(envelope: Envelope): void {
    const { sender, outbound } = envelope;
    if (sender !== undefined && outbound !== undefined) sender.confirmLater(outbound);
    envelope.clear();
    this.envelopes.give(envelope);
  }

  private redeliverable(delivery: LoopbackDelivery): LoopbackDelivery {
    // The engine that had it may still be reading it, so the old object is never used again.
    const again = this.deliveries.take();
    again.replace(delivery);
    this.deliveries.outstanding--;
    return again;
  }

  private unsubscribe(subscription: Subscription): void {
    const { mailbox, channelName } = subscription;
    const matcher = this.matchers.get(channelName)!;
    for (const pattern of subscription.patterns) matcher.remove(pattern, subscription);
    mailbox.subscriptions.delete(channelName);
    mailbox.queue.removeParked(channelName, (delivery) => this.release(delivery));
  }
}

function acksPending(pendingAcks: number, timeoutMs: number): AepError {
  return new AepError(
    'AEP_LOOPBACK_ACKS_PENDING',
    'retry',
    `loopback bus: ${pendingAcks} messages are not acknowledged after ${timeoutMs} ms; is every subscriber of the roster running?`,
    { pendingAcks, timeoutMs },
  );
}
