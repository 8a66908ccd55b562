import type {
  Binding,
  BindingListener,
  BusDescription,
  BusProvider,
  ChannelDescription,
  DeliveryResult,
  Outbound,
} from '@aep/bus';
import { type Clock, SeededRandom, silentLog } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import { Order } from './gen/trade.js';
import type { Schedule } from './schedule.js';

/** Where latencies go: a histogram, or whatever keeps some of them apart. */
export interface LatencySink {
  record(latencyUs: number): void;
}

/**
 * What a source on a schedule does between two messages: `spin`, which adds nothing to their latency and takes a core, or `rest`
 * for a millisecond, where other processes of the case need the cores.
 */
export type Between = 'spin' | 'rest';

interface Paced {
  readonly schedule: Schedule;
  readonly latenciesUs: LatencySink;
  readonly between: Between;
  readonly first: number;
}

/** One message on its way to the engine under test; used again once it is confirmed. */
class SourceMessage implements Outbound {
  readonly key = '';
  readonly metadata = new MessageMetadata();
  readonly start = 0;
  bytes!: Uint8Array;
  end = 0;
  /** When it was to be sent; where its latency counts from. */
  dueAtMs = 0;

  constructor(readonly channel: ChannelDescription) {
    this.metadata.factoryId = Order.$type.factoryId;
    this.metadata.typeId = Order.$type.typeId;
    this.metadata.senderId = 1;
    this.metadata.incarnation = 1;
  }

  carry(bytes: Uint8Array, sno: number): this {
    this.bytes = bytes;
    this.end = bytes.length;
    this.metadata.sno = sno;
    this.metadata.channelSno = sno;
    return this;
  }
}

/**
 * A publisher without an engine, so that the engine under test is the bottleneck: keeps as many messages in flight as asked
 * for, or sends each when it is due.
 */
export class OrderSource implements BindingListener {
  private readonly channel: ChannelDescription;
  private readonly binding: Binding;
  private readonly idle: SourceMessage[] = [];
  private sent = 0;
  private confirmed = 0;
  private total = 0;
  private untilMs = Infinity;
  private orders: readonly Uint8Array[] = [];
  private isScheduled = false;
  private finish: () => void = () => undefined;
  private paced: Paced | undefined;

  constructor(
    provider: BusProvider,
    bus: BusDescription,
    private readonly clock: Clock,
    inFlightMax: number,
  ) {
    this.channel = bus.channels[0]!;
    this.binding = provider.createBinding({
      bus,
      app: 'source',
      clock,
      random: new SeededRandom(1),
      log: silentLog,
      listener: this,
      failPolicy: 'Fail',
      unacknowledgedMax: 1,
      unconfirmedMax: inFlightMax,
      messageBytesMax: 1 << 20,
    });
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.binding.open((error) => (error === undefined ? resolve() : reject(error))),
    );
  }

  /** Sends `count` orders, repeating the given ones, and resolves when the last is confirmed. */
  send(orders: readonly Uint8Array[], count: number): Promise<void> {
    this.paced = undefined;
    return this.begin(orders, count);
  }

  /** Orders per second, from the first send to the last confirmation. */
  async measure(orders: readonly Uint8Array[], count: number): Promise<number> {
    const startedMs = performance.now();
    await this.send(orders, count);
    return (count / (performance.now() - startedMs)) * 1000;
  }

  /** The same over a time instead of a number. */
  async measureFor(orders: readonly Uint8Array[], durationMs: number): Promise<number> {
    const startedMs = performance.now();
    const before = this.confirmed;
    this.untilMs = startedMs + durationMs;
    await this.send(orders, Infinity);
    return ((this.confirmed - before) / (performance.now() - startedMs)) * 1000;
  }

  /** Sends each order when the schedule says, and records the microseconds from then to its confirmation. */
  sendOnSchedule(
    orders: readonly Uint8Array[],
    schedule: Schedule,
    latenciesUs: LatencySink,
    between: Between = 'spin',
  ): Promise<void> {
    this.paced = { schedule, latenciesUs, between, first: this.sent };
    schedule.start();
    return this.begin(orders, schedule.count);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.binding.close({ preserveJoins: false }, resolve));
  }

  private begin(orders: readonly Uint8Array[], count: number): Promise<void> {
    this.orders = orders;
    this.total = this.sent + count;
    return new Promise((resolve) => {
      this.finish = resolve;
      this.pump();
    });
  }

  onConfirmed(outbound: Outbound): void {
    const message = outbound as SourceMessage;
    if (this.paced !== undefined) this.paced.latenciesUs.record((performance.now() - message.dueAtMs) * 1000);
    this.idle.push(message);
    if (++this.confirmed === this.total) this.finish();
    else this.schedule();
  }

  onWritable(): void {
    this.schedule();
  }

  onDelivery(): DeliveryResult {
    throw new Error('the source joins no channel');
  }

  onChannelUp(): void {}
  onChannelDown(): void {}
  onBindingDown(): void {}
  onBindingUp(): void {}
  onBindingFailed(cause: Error): void {
    throw cause;
  }

  private endNow(): void {
    this.untilMs = Infinity;
    this.total = this.sent;
    if (this.confirmed === this.total) this.finish();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    const goOn = (): void => {
      this.isScheduled = false;
      this.pump();
    };
    if (this.paced?.between === 'rest') this.clock.schedule(REST_MS, goOn);
    else this.clock.defer(goOn);
  }

  private pump(): void {
    if (performance.now() >= this.untilMs) this.endNow();
    const { paced } = this;
    const until = paced === undefined ? this.total : paced.first + paced.schedule.dueNow();
    while (this.sent < until) {
      const message = (this.idle.pop() ?? new SourceMessage(this.channel)).carry(
        this.orders[this.sent % this.orders.length]!,
        this.sent + 1,
      );
      if (paced !== undefined) message.dueAtMs = paced.schedule.dueAtMs(this.sent - paced.first);
      if (this.binding.send(message) !== 'accepted') {
        this.idle.push(message);
        break;
      }
      this.sent++;
    }
    this.binding.flush();
    if (paced !== undefined && this.sent < this.total) this.schedule();
  }
}

const REST_MS = 1;
