import assert from 'node:assert/strict';
import { type AepError, type Log, silentLog } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import type {
  Binding,
  BindingListener,
  BindingOptions,
  BusDescription,
  ChannelDescription,
  Delivery,
  DeliveryResult,
  Outbound,
  SendResult,
  Subscriber,
} from '../binding-contract.js';
import { type BusHarness, contractChannels } from './harness.js';

/** What a test asks of a received message, copied while it was valid. */
export interface Received {
  readonly channel: string;
  readonly key: string;
  readonly text: string;
  readonly sno: number;
  readonly senderId: number;
  readonly possibleDuplicate: boolean;
}

export interface TestAppOptions {
  readonly app: string;
  readonly roster: readonly Subscriber[];
  readonly unacknowledgedMax?: number;
  readonly unconfirmedMax?: number;
  readonly messageBytesMax?: number;
  readonly failPolicy?: BindingOptions['failPolicy'];
  readonly log?: Log;
}

let nextIncarnation = 1;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Stands in for an engine: records what its binding says, acknowledges when told to, and refuses calls that break the contract. */
export class TestApp implements BindingListener {
  readonly received: Received[] = [];
  readonly unacknowledged: Delivery[] = [];
  readonly confirmed: Outbound[] = [];
  readonly events: string[] = [];
  /** Why the binding failed. */
  readonly failures: AepError[] = [];
  /** Acknowledge each delivery in the turn after it came. */
  isAutoAck = true;
  /** Deliveries that are still taken; then the app answers `back-pressured`. */
  room = Infinity;
  readonly bus: BusDescription;
  readonly binding: Binding;
  private isInsideCall = false;
  private nextSno = 1;
  /** Its numbers begin at 1, so it is a new life of its sender. */
  private readonly incarnation = nextIncarnation++;
  private isAckPlanned = false;

  constructor(
    private readonly harness: BusHarness,
    readonly options: TestAppOptions,
  ) {
    this.bus = harness.describeBus(options.roster);
    const bindingOptions: BindingOptions = {
      bus: this.bus,
      app: options.app,
      clock: harness.clock,
      random: harness.random,
      log: options.log ?? silentLog,
      listener: this,
      failPolicy: options.failPolicy ?? 'Reconnect',
      unacknowledgedMax: options.unacknowledgedMax ?? 1000,
      unconfirmedMax: options.unconfirmedMax ?? 10_000,
      messageBytesMax: options.messageBytesMax ?? 100_000,
    };
    this.binding = harness.providerFor(options.app).createBinding(bindingOptions);
  }

  channel(name: string): ChannelDescription {
    return this.bus.channels.find((channel) => channel.name === name)!;
  }

  async open(): Promise<this> {
    const outcomes: (AepError | undefined)[] = [];
    this.call(() => this.binding.open((error) => outcomes.push(error)));
    assert.equal(outcomes.length, 0, 'open answers from the event loop');
    await this.harness.until(() => outcomes.length === 1, `${this.options.app} is open`);
    const [failure] = outcomes;
    if (failure !== undefined) throw failure;
    return this;
  }

  async join(name: string, patterns: readonly string[] = ['**']): Promise<this> {
    const ups = this.count(`up ${name}`);
    this.call(() => this.binding.join(this.channel(name), patterns));
    await this.harness.until(() => this.count(`up ${name}`) > ups, `${this.options.app} is up on ${name}`);
    return this;
  }

  async openAndJoin(...channels: string[]): Promise<this> {
    await this.open();
    for (const name of channels) await this.join(name, this.rosterPatterns(name));
    return this;
  }

  makeOutbound(name: string, key: string, text: string): Outbound {
    const metadata = new MessageMetadata();
    metadata.sno = this.nextSno++;
    metadata.senderId = this.options.app.charCodeAt(0);
    metadata.incarnation = this.incarnation;
    // The message stands somewhere inside a larger buffer, as it does in an engine.
    const bytes = encoder.encode(`<<${text}>>`);
    return { channel: this.channel(name), key, metadata, bytes, start: 2, end: bytes.length - 2 };
  }

  send(name: string, key: string, text: string): SendResult {
    return this.sendOutbound(this.makeOutbound(name, key, text));
  }

  sendOutbound(outbound: Outbound): SendResult {
    const result = this.call(() => this.binding.send(outbound));
    this.call(() => this.binding.flush());
    return result;
  }

  /** Sends and insists that it is taken. */
  sendAll(name: string, key: string, texts: readonly string[]): void {
    for (const text of texts) assert.equal(this.send(name, key, text), 'accepted', text);
  }

  acknowledge(count = this.unacknowledged.length): void {
    for (const delivery of this.unacknowledged.splice(0, count)) this.call(() => this.binding.acknowledge(delivery));
  }

  resume(): void {
    this.call(() => this.binding.resume());
  }

  texts(name?: string): string[] {
    return this.received
      .filter((message) => name === undefined || message.channel === name)
      .map((message) => message.text);
  }

  count(event: string): number {
    return this.events.filter((other) => other === event).length;
  }

  /** Closes and waits for it. */
  async close(preserveJoins = true): Promise<void> {
    let dones = 0;
    this.call(() => this.binding.close({ preserveJoins }, () => dones++));
    assert.equal(dones, 0, 'close answers from the event loop');
    await this.harness.until(() => dones === 1, `${this.options.app} is closed`);
  }

  onDelivery(delivery: Delivery): DeliveryResult {
    this.mustBeOutside('onDelivery');
    if (this.room <= 0) return 'back-pressured';
    this.room--;
    this.received.push({
      channel: delivery.channel.name,
      key: delivery.key,
      text: decoder.decode(delivery.bytes.subarray(delivery.start, delivery.end)),
      sno: delivery.metadata.sno,
      senderId: delivery.metadata.senderId,
      possibleDuplicate: delivery.metadata.possibleDuplicate,
    });
    assert.ok(
      this.bus.channels.includes(delivery.channel),
      'a delivery shows the channel as the receiver described it',
    );
    this.unacknowledged.push(delivery);
    if (this.isAutoAck) this.planAck();
    return 'accepted';
  }

  onConfirmed(outbound: Outbound): void {
    this.mustBeOutside('onConfirmed');
    this.confirmed.push(outbound);
  }

  onWritable(): void {
    this.note('writable');
  }

  onChannelUp(channel: ChannelDescription): void {
    this.note(`up ${channel.name}`);
  }

  onChannelDown(channel: ChannelDescription): void {
    this.note(`down ${channel.name}`);
  }

  onBindingDown(cause: AepError): void {
    this.note(`binding down ${cause.code}`);
  }

  onBindingUp(): void {
    this.note('binding up');
  }

  onBindingFailed(cause: AepError): void {
    this.note('failed');
    this.failures.push(cause);
  }

  private rosterPatterns(channel: string): readonly string[] {
    const own = this.options.roster.find((entry) => entry.app === this.options.app && entry.channel === channel);
    return own?.patterns ?? ['**'];
  }

  private note(event: string): void {
    this.mustBeOutside(event);
    this.events.push(event);
  }

  private planAck(): void {
    if (this.isAckPlanned) return;
    this.isAckPlanned = true;
    this.harness.clock.defer(() => {
      this.isAckPlanned = false;
      this.acknowledge();
    });
  }

  private call<R>(action: () => R): R {
    this.isInsideCall = true;
    try {
      return action();
    } finally {
      this.isInsideCall = false;
    }
  }

  private mustBeOutside(what: string): void {
    assert.ok(!this.isInsideCall, `${what} was called from inside a call to the binding`);
  }
}

/** `['m1', … 'mN']`. */
export function numbered(count: number, prefix = 'm'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}

/** A roster: app, channel, patterns. */
export function roster(...entries: (readonly [app: string, channel: string, ...patterns: string[]])[]): Subscriber[] {
  for (const [, channel] of entries) assert.ok(contractChannels.some(({ name }) => name === channel));
  return entries.map(([app, channel, ...patterns]) => ({ app, channel, patterns }));
}
