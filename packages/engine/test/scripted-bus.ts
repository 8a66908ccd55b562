import {
  type Binding,
  type BindingOptions,
  type BusDescription,
  BusBinding,
  type BusProvider,
  type ChannelDescription,
  type Delivery,
  type Outbound,
} from '@aep/bus';
import type { AepError, Clock } from '@aep/kernel';
import { MessageMetadata, type MessageView } from '@aep/messages';
import { Deposit, Deposited } from './gen/bank.js';
import { bankBus } from './world.js';

/** What the engine has sent, copied at the moment of the send. */
export interface Sent {
  readonly channel: string;
  readonly key: string;
  readonly sno: number;
  readonly channelSno: number;
  readonly flow: number;
  readonly possibleDuplicate: boolean;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Stamp {
  readonly sno?: number;
  readonly channelSno?: number;
  readonly senderId?: number;
  readonly incarnation?: number;
  readonly flow?: number;
  readonly typeId?: number;
  readonly factoryId?: number;
  readonly key?: string;
  readonly channel?: string;
  readonly bytes?: Uint8Array;
}

/** A bus whose other side is the test: it delivers what it is told, notes what comes, and confirms when it is asked to. */
export class ScriptedBus implements BusProvider {
  readonly name = 'scripted';
  readonly supports = {
    guaranteed: true,
    wildcardJoin: true,
    crossProcess: false,
    reconnect: true,
    dynamicJoin: true,
    custody: 'broker' as const,
  };
  readonly description: BusDescription;
  binding!: ScriptedBinding;
  readonly sent: Sent[] = [];
  /** Numbers of the messages that were acknowledged, in order. */
  readonly acknowledged: number[] = [];
  readonly closedWith: boolean[] = [];
  opens = 0;
  confirms = true;
  /** Sends are refused while more than these are unconfirmed. */
  capacity = Infinity;
  /** Sends that are refused although there is room, such as large ones on a bus that is bounded by bytes. */
  refuses: (sent: Sent) => boolean = () => false;
  /** A join is confirmed only when the test says so. */
  joinsLate = false;
  openError: AepError | undefined;
  descriptorError: Error | undefined;
  private sno = 0;

  constructor(
    private readonly clock: Clock,
    name = 'bank-bus',
    roster: BusDescription['roster'] = [],
  ) {
    this.description = { ...bankBus(roster), name, provider: 'scripted' };
  }

  createBinding(options: BindingOptions): Binding {
    if (this.descriptorError !== undefined) throw this.descriptorError;
    this.binding = new ScriptedBinding(options, this);
    return this.binding;
  }

  /** Delivers in a later turn; numbered 1, 2, 3 … unless told otherwise. Answers the number. */
  deliver(message: MessageView | undefined, stamp: Stamp = {}): number {
    const sno = stamp.sno ?? ++this.sno;
    const metadata = new MessageMetadata();
    metadata.factoryId = stamp.factoryId ?? message?.$type.factoryId ?? 21;
    metadata.typeId = stamp.typeId ?? message?.$type.typeId ?? 1;
    metadata.senderId = stamp.senderId ?? 77;
    metadata.incarnation = stamp.incarnation ?? 1;
    metadata.flow = stamp.flow ?? 0;
    metadata.sno = sno;
    metadata.channelSno = stamp.channelSno ?? sno;
    const bytes = stamp.bytes ?? message!.toBytes();
    message?.dispose();
    const channel = this.channel(stamp.channel ?? 'deposits');
    const delivery: Delivery = { channel, key: stamp.key ?? '', metadata, bytes, start: 0, end: bytes.length };
    this.clock.defer(() => this.binding.receive(delivery));
    return sno;
  }

  confirmAll(): void {
    this.clock.defer(() => this.binding.confirmAll());
  }

  private channel(name: string): ChannelDescription {
    const known = this.description.channels.find((channel) => channel.name === name);
    return known ?? { name, id: 99, qos: 'Guaranteed', properties: {} };
  }
}

export class ScriptedBinding extends BusBinding {
  readonly waiting: Delivery[] = [];
  private readonly unconfirmedSends: Outbound[] = [];
  readonly joined: string[] = [];

  constructor(
    options: BindingOptions,
    private readonly bus: ScriptedBus,
  ) {
    super(options);
  }

  receive(delivery: Delivery): void {
    this.waiting.push(delivery);
    this.pump();
  }

  confirmAll(): void {
    for (const outbound of this.unconfirmedSends.splice(0)) this.confirm(outbound);
    this.writable();
  }

  announceJoin(channel: ChannelDescription): void {
    this.options.listener.onChannelUp(channel);
  }

  goDown(cause: AepError): void {
    this.options.listener.onBindingDown(cause);
  }

  comeUp(): void {
    this.options.listener.onBindingUp();
  }

  protected override doOpen(done: (error: AepError | undefined) => void): void {
    this.bus.opens++;
    done(this.bus.openError);
  }

  protected override doJoin(channel: ChannelDescription): void {
    this.joined.push(channel.name);
    if (!this.bus.joinsLate) this.options.clock.defer(() => this.announceJoin(channel));
  }

  protected override doSend(outbound: Outbound, isGuaranteed: boolean): boolean {
    if (this.unconfirmedSends.length >= this.bus.capacity) return false;
    const sent = copyOf(outbound);
    if (this.bus.refuses(sent)) return false;
    this.bus.sent.push(sent);
    if (!isGuaranteed) return true;
    this.unconfirmedSends.push(outbound);
    if (this.bus.confirms) this.bus.confirmAll();
    return true;
  }

  protected override doFlush(): void {
    // nothing is gathered
  }

  protected override doAcknowledge(delivery: Delivery): void {
    this.bus.acknowledged.push(delivery.metadata.sno);
  }

  protected override doResume(): void {
    this.options.clock.defer(() => this.pump());
  }

  protected override doStopReading(): void {
    // `canDeliver` says no from now on
  }

  protected override doClose(preserveJoins: boolean, done: () => void): void {
    this.bus.closedWith.push(preserveJoins);
    done();
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.canDeliver && this.deliver(this.waiting[0]!)) this.waiting.shift();
  }
}

function copyOf(outbound: Outbound): Sent {
  const { metadata, bytes, start, end } = outbound;
  const type = metadata.typeId === 1 ? Deposit.$type : Deposited.$type;
  const view = type.fromBytes(bytes.slice(start, end));
  const json = view.toJSON() as Record<string, unknown>;
  view.dispose();
  const { sno, channelSno, flow, possibleDuplicate } = metadata;
  return { channel: outbound.channel.name, key: outbound.key, sno, channelSno, flow, possibleDuplicate, json };
}
