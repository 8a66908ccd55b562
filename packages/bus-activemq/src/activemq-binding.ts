import { AepError } from '@aep/kernel';
import { type BindingOptions, BusBinding, type ChannelDescription, type Delivery, type Outbound } from '@aep/bus';
import { channelUnknown } from '@aep/bus/internal';
import type { ActiveMqOptions } from './activemq-options.js';
import { type ChannelPlan, planChannels } from './channel-plan.js';
import type { InboundDelivery } from './inbound-delivery.js';
import { Receiver, type ReceiverOwner } from './receiver.js';
import { Sender, type SenderOwner } from './sender.js';

/** Deliveries of one turn: other work of the process has its chance between turns. */
const TURN_MAX = 512;

/** One app on one broker: a connection to send, and one to receive once it has joined a channel. */
export class ActiveMqBinding extends BusBinding implements SenderOwner, ReceiverOwner {
  private readonly plans: ReadonlyMap<string, ChannelPlan>;
  private readonly sender: Sender;
  private readonly receiver: Receiver;
  /** Of the two connections those that were up and are gone. */
  private readonly lost = new Set<'sender' | 'receiver'>();
  private readonly channelsUp = new Set<ChannelDescription>();
  private isReceiverUp = false;
  private isTurnPlanned = false;
  private readonly turn = (): void => this.runTurn();

  constructor(
    options: BindingOptions,
    private readonly activeMq: ActiveMqOptions,
  ) {
    super(options);
    this.plans = planChannels(activeMq);
    this.sender = new Sender(activeMq, this.plans, this);
    this.receiver = new Receiver(activeMq, this);
  }

  onSenderUp(): void {
    this.regained('sender');
  }

  onSenderDown(cause: AepError): void {
    this.connectionLost('sender', cause);
  }

  onSent(outbound: Outbound): void {
    this.confirm(outbound);
  }

  onSenderRoom(): void {
    this.writable();
  }

  onReceiverUp(): void {
    this.isReceiverUp = true;
    this.regained('receiver');
  }

  onReceiverDown(cause: AepError): void {
    const down = [...this.channelsUp];
    this.channelsUp.clear();
    const wasUp = this.isReceiverUp;
    this.isReceiverUp = false;
    if (this.state === 'open' && cause.advice === 'retry' && this.options.failPolicy === 'Reconnect') {
      for (const channel of down) this.options.listener.onChannelDown(channel, cause);
    }
    // A first attempt that must wait, for instance for the connection of the primary before, takes nothing away.
    if (wasUp || cause.advice !== 'retry') this.connectionLost('receiver', cause);
  }

  onChannelJoined(channel: ChannelDescription): void {
    if (this.state !== 'open') return;
    this.channelsUp.add(channel);
    this.options.listener.onChannelUp(channel);
  }

  onReceived(): void {
    this.planTurn();
  }

  protected override doOpen(done: (error: AepError | undefined) => void): void {
    this.sender.open(done);
  }

  protected override doJoin(channel: ChannelDescription, patterns: readonly string[]): void {
    this.receiver.join(this.planOf(channel), patterns);
  }

  protected override doSend(outbound: Outbound, isGuaranteed: boolean): boolean {
    this.planOf(outbound.channel);
    if (isGuaranteed) {
      this.sender.sendGuaranteed(outbound);
      return true;
    }
    const result = this.sender.sendBestEffort(outbound);
    if (result === 'dropped') this.counts.dropped++;
    return result !== false;
  }

  protected override doFlush(): void {
    this.sender.flush();
    this.receiver.flush();
  }

  protected override doAcknowledge(delivery: Delivery): void {
    this.receiver.acknowledge(delivery as InboundDelivery);
    this.planTurn();
  }

  protected override doResume(): void {
    this.planTurn();
  }

  protected override doStopReading(): void {
    // `canDeliver` says no from now on; what is here goes back to the broker when the connection ends.
  }

  protected override doClose(preserveJoins: boolean, done: () => void): void {
    let waiting = 2;
    const oneDone = (): void => {
      if (--waiting === 0) done();
    };
    this.sender.close(oneDone);
    this.receiver.close(preserveJoins, oneDone);
  }

  private planOf(channel: ChannelDescription): ChannelPlan {
    const plan = this.plans.get(channel.name);
    if (plan === undefined) throw channelUnknown(this.activeMq.bus.name, channel.name);
    return plan;
  }

  private connectionLost(which: 'sender' | 'receiver', cause: AepError): void {
    if (this.state !== 'open') return;
    if (cause.advice !== 'retry' || this.options.failPolicy === 'Fail') return this.fail(cause);
    const isFirst = this.lost.size === 0;
    this.lost.add(which);
    if (isFirst) this.options.listener.onBindingDown(cause);
  }

  private regained(which: 'sender' | 'receiver'): void {
    if (this.lost.delete(which) && this.lost.size === 0 && this.state === 'open') this.options.listener.onBindingUp();
  }

  private planTurn(): void {
    if (this.isTurnPlanned) return;
    this.isTurnPlanned = true;
    this.options.clock.defer(this.turn);
  }

  private runTurn(): void {
    this.isTurnPlanned = false;
    for (let left = TURN_MAX; left > 0; left--) {
      if (!this.canDeliver) return;
      const delivery = this.receiver.poll();
      if (delivery === undefined) return;
      if (delivery.metadata.possibleDuplicate) this.counts.redelivered++;
      if (!this.deliver(delivery)) return this.receiver.unpoll(delivery);
    }
    this.planTurn();
  }
}
