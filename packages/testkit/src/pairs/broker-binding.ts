import { type BindingOptions, BusBinding, type ChannelDescription, type Delivery, type Outbound } from '@aep/bus';
import { AepError } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import type { Broker, BrokerInput, BrokerSession } from './broker.js';
import type { MachineLife } from './machine.js';

interface BrokerDelivery extends Delivery {
  readonly input: BrokerInput;
  readonly session: BrokerSession;
}

/** How long a binding waits before it connects again. */
const RECONNECT_MS = 8;

/** A process's end of its connection to a {@link Broker}: reconnects, and sends again what was not confirmed. */
export class BrokerBinding extends BusBinding {
  private session: BrokerSession | undefined;
  private readonly unconfirmedSends: Outbound[] = [];
  private readonly waiting: BrokerDelivery[] = [];
  private readonly joins: ChannelDescription[] = [];
  private isUp = false;
  private isOver = false;

  constructor(
    options: BindingOptions,
    private readonly broker: Broker,
    private readonly life: MachineLife,
  ) {
    super(options);
  }

  // What comes over the connection; from the event loop of the process.

  joined(): void {
    for (const channel of this.joins) this.options.listener.onChannelUp(channel);
  }

  arrived(input: BrokerInput): void {
    const { session } = this;
    if (session === undefined) return;
    const channel = this.options.bus.channels.find(({ name }) => name === input.channel)!;
    const metadata = new MessageMetadata();
    metadata.copyFrom(input.metadata);
    const { key, bytes } = input;
    this.waiting.push({ channel, key, metadata, bytes, start: 0, end: bytes.length, input, session });
    this.pump();
  }

  confirmed(outbound: Outbound): void {
    const index = this.unconfirmedSends.indexOf(outbound);
    if (index < 0) return;
    this.unconfirmedSends.splice(index, 1);
    this.confirm(outbound);
    this.writable();
  }

  lost(session: BrokerSession): void {
    if (this.session !== session) return;
    this.session = undefined;
    this.waiting.length = 0;
    if (this.isOver) return;
    if (this.isUp) this.options.listener.onBindingDown(new AepError('AEP_NET_RESET', 'retry', 'the broker is gone'));
    this.isUp = false;
    this.connectLater(() => this.cameBack());
  }

  protected override doOpen(done: (error: AepError | undefined) => void): void {
    this.connect(() => {
      this.isUp = true;
      done(undefined);
    });
  }

  protected override doJoin(channel: ChannelDescription): void {
    this.joins.push(channel);
    this.session?.join();
  }

  protected override doSend(outbound: Outbound): boolean {
    this.broker.options.observer.onSend?.(this.life, outbound);
    this.unconfirmedSends.push(outbound);
    this.session?.send(outbound);
    return true;
  }

  protected override doFlush(): void {
    // Nothing is gathered.
  }

  protected override doAcknowledge(delivery: Delivery): void {
    this.broker.options.observer.onAcknowledge?.(this.life, delivery);
    const { input, session } = delivery as BrokerDelivery;
    // What came over a connection that is gone comes again, and is acknowledged then.
    if (session === this.session) session.acknowledge(input);
    // There may be room for what waited.
    if (this.waiting.length > 0) this.doResume();
  }

  protected override doResume(): void {
    this.options.clock.defer(() => this.pump());
  }

  protected override doStopReading(): void {
    this.waiting.length = 0;
  }

  protected override doClose(_preserveJoins: boolean, done: () => void): void {
    this.isOver = true;
    this.broker.disconnect(this.life);
    done();
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.canDeliver && this.deliver(this.waiting[0]!)) this.waiting.shift();
  }

  private connect(done: () => void): void {
    if (this.isOver) return;
    this.session = this.broker.connect(this.life, this);
    if (this.session === undefined) this.connectLater(done);
    else this.options.clock.defer(done);
  }

  private connectLater(done: () => void): void {
    this.options.clock.schedule(RECONNECT_MS, () => this.connect(done));
  }

  private cameBack(): void {
    const { session } = this;
    if (session === undefined || this.isOver) return;
    this.isUp = true;
    for (const outbound of this.unconfirmedSends) session.send(outbound);
    if (this.joins.length > 0) session.join();
    this.options.listener.onBindingUp();
  }
}
