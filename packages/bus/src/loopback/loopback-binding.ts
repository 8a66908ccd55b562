import { AepError, RingQueue } from '@aep/kernel';
import type { BindingOptions, ChannelDescription, Delivery, Outbound } from '../binding-contract.js';
import { BusBinding, channelUnknown } from '../bus-binding.js';
import type { LoopbackDelivery } from './envelope.js';
import type { LoopbackBus } from './loopback-bus.js';
import type { Mailbox } from './mailbox.js';

/** Deliveries and confirmations of one turn: other work of the process has its chance between turns. */
const TURN_MAX = 256;

/** One app on one loopback bus. */
export class LoopbackBinding extends BusBinding {
  private readonly mailbox: Mailbox;
  private readonly channels: ReadonlyMap<string, ChannelDescription>;
  private readonly confirmations: RingQueue<Outbound>;
  private readonly joining: ChannelDescription[] = [];
  /** The last channel as its sender describes it, and as this app does. */
  private lastForeign: ChannelDescription | undefined;
  private lastOwn: ChannelDescription | undefined;
  private isAwake = false;
  private isRoomAgain = false;
  private readonly turn = (): void => this.runTurn();

  constructor(
    options: BindingOptions,
    private readonly bus: LoopbackBus,
  ) {
    super(options);
    bus.enroll(options.bus);
    this.mailbox = bus.mailbox(options.app);
    this.channels = new Map(options.bus.channels.map((channel) => [channel.name, channel]));
    // One more than can be accepted: a message without subscribers is confirmed before it is counted.
    this.confirmations = new RingQueue(options.unconfirmedMax + 1);
  }

  get busName(): string {
    return this.options.bus.name;
  }

  /** Runs a turn soon; at most one is waiting. */
  wake(): void {
    if (this.isAwake) return;
    this.isAwake = true;
    this.options.clock.defer(this.turn);
  }

  /** A mailbox that had refused has room. */
  wakeBlocked(): void {
    this.isRoomAgain = true;
    this.wake();
  }

  confirmLater(outbound: Outbound): void {
    if (this.state === 'closed' || this.state === 'failed') return this.bus.confirmed();
    this.confirmations.offer(outbound);
    this.wake();
  }

  /** Another binding of the app has opened. */
  displace(): void {
    const { app, bus } = this.options;
    this.bus.forgetSender(this);
    this.fail(
      new AepError(
        'AEP_BUS_DISPLACED',
        'reject',
        `bus "${bus.name}": another binding of app "${app}" has opened and takes its place; is the app running twice?`,
        { bus: bus.name, app },
      ),
    );
  }

  protected override doOpen(done: (error: AepError | undefined) => void): void {
    const previous = this.mailbox.binding;
    if (previous !== undefined) {
      this.bus.detach(this.mailbox, true);
      previous.displace();
    }
    this.mailbox.binding = this;
    done(undefined);
  }

  protected override doJoin(channel: ChannelDescription, patterns: readonly string[]): void {
    if (!this.channels.has(channel.name)) throw channelUnknown(this.busName, channel.name);
    this.bus.subscribe(this.mailbox.subscription(channel.name), patterns);
    this.joining.push(channel);
    this.wake();
  }

  protected override doSend(outbound: Outbound, isGuaranteed: boolean): boolean {
    return this.bus.send(this, outbound, isGuaranteed);
  }

  protected override doFlush(): void {
    // Each message is in its mailboxes already.
  }

  protected override doAcknowledge(delivery: Delivery): void {
    this.mailbox.queue.acknowledge();
    this.bus.release(delivery as LoopbackDelivery);
    if (this.mailbox.queue.readyCount > 0) this.wake();
  }

  protected override doResume(): void {
    this.wake();
  }

  protected override doStopReading(): void {
    // `canDeliver` says no from now on; the messages stay in the mailbox.
  }

  protected override doClose(preserveJoins: boolean, done: () => void): void {
    this.bus.forgetSender(this);
    if (this.mailbox.binding === this) this.bus.detach(this.mailbox, preserveJoins);
    done();
    for (let waiting = this.confirmations.size; waiting > 0; waiting--) this.bus.confirmed();
    this.confirmations.clear();
  }

  private runTurn(): void {
    this.isAwake = false;
    if (this.state !== 'open') return this.abandonConfirmations();
    this.announceJoins();
    this.confirmSome();
    if (this.isRoomAgain) {
      this.isRoomAgain = false;
      this.writable();
    }
    this.deliverSome();
  }

  private announceJoins(): void {
    for (let channel = this.joining.shift(); channel !== undefined; channel = this.joining.shift()) {
      this.options.listener.onChannelUp(channel);
      // Not before: what waits for the channel follows its ChannelUp.
      if (this.mailbox.binding === this) this.mailbox.queue.join(channel.name);
    }
  }

  private confirmSome(): void {
    for (let left = TURN_MAX; left > 0; left--) {
      const outbound = this.confirmations.poll();
      if (outbound === undefined) return;
      this.confirm(outbound);
      this.bus.confirmed();
    }
    this.wake();
  }

  private deliverSome(): void {
    const { queue } = this.mailbox;
    for (let left = TURN_MAX; left > 0; left--) {
      if (this.mailbox.binding !== this || !this.canDeliver) return;
      const delivery = queue.take();
      if (delivery === undefined) return;
      this.localise(delivery);
      if (!this.deliver(delivery)) return queue.untake();
    }
    this.wake();
  }

  /** The receiver sees its own description of the channel, not the sender's. */
  private localise(delivery: LoopbackDelivery): void {
    if (delivery.channel !== this.lastForeign) {
      this.lastForeign = delivery.channel;
      this.lastOwn = this.channels.get(delivery.channel.name) ?? delivery.channel;
    }
    delivery.channel = this.lastOwn!;
    if (delivery.isRedelivered) this.counts.redelivered++;
  }

  private abandonConfirmations(): void {
    for (let waiting = this.confirmations.size; waiting > 0; waiting--) this.bus.confirmed();
    this.confirmations.clear();
  }
}
