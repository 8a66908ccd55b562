import type { AepError, TimerHandle } from '@aep/kernel';
import { type BindingOptions, BusBinding, type ChannelDescription, type Delivery, type Outbound } from '@aep/bus';
import { channelUnknown } from '@aep/bus/internal';
import { asNatsError, Dialer, rosterPatterns, type SessionEvents } from './dialer.js';
import { encodeHead } from './headers.js';
import type { Connector, Link } from './link.js';
import { LiveReader, type LiveReaderOwner } from './live-reader.js';
import type { NatsDelivery } from './nats-delivery.js';
import { natsError } from './nats-errors.js';
import type { ChannelNames, NatsOptions } from './nats-options.js';
import { durableNames } from './provisioning.js';
import type { Session } from './session.js';
import { type PublisherOwner, sizeProblem, StreamPublisher } from './stream-publisher.js';
import { StreamReader } from './stream-reader.js';

type Reader = StreamReader | LiveReader;

/** Deliveries of one turn: other work of the process has its chance between turns. */
const TURN_MAX = 512;

/**
 * One app on one NATS bus: BestEffort channels on core NATS, each Guaranteed one on a stream of its own.
 * ```
 *   connecting ──> provisioning ──> up ──connection lost──> waiting ──backoff──> connecting …
 * ```
 */
export class NatsBinding extends BusBinding implements PublisherOwner, LiveReaderOwner, SessionEvents {
  private readonly publishers = new Map<string, StreamPublisher>();
  private readonly readers = new Map<string, Reader>();
  private readonly patterns = new Map<string, Set<string>>();
  private readonly dialer: Dialer;
  private session: Session | undefined;
  private reconnectTimer: TimerHandle | undefined;
  private failures = 0;
  private lastLogged = '';
  private isTurnPlanned = false;
  private isDelivering = false;
  private isStopped = false;
  /** Which reader is looked at first: each in turn. */
  private firstReader = 0;

  constructor(
    options: BindingOptions,
    private readonly nats: NatsOptions,
    connector: Connector,
  ) {
    super(options);
    this.dialer = new Dialer(nats, connector);
    for (const { channel } of nats.bus.roster) {
      if (!nats.channels.has(channel)) throw channelUnknown(nats.bus.name, channel);
    }
    for (const names of nats.channels.values()) {
      if (names.description.qos === 'Guaranteed') {
        this.publishers.set(names.description.name, new StreamPublisher(names, nats, this));
      }
    }
  }

  get isReading(): boolean {
    return !this.isStopped && (this.state === 'open' || this.state === 'opening');
  }

  protected override doOpen(done: (error: AepError | undefined) => void): void {
    this.connect(done);
  }

  protected override doJoin(channel: ChannelDescription, patterns: readonly string[]): void {
    const names = this.nats.channels.get(channel.name);
    if (names === undefined) throw channelUnknown(this.nats.bus.name, channel.name);
    const all = this.patternsOf(channel.name);
    for (const pattern of patterns) all.add(pattern);
    let reader = this.readers.get(channel.name);
    if (reader === undefined) {
      const Kind = channel.qos === 'Guaranteed' ? StreamReader : LiveReader;
      reader = new Kind(names, this.nats, this, [...all]);
      this.readers.set(channel.name, reader);
    }
    reader.setPatterns([...all]);
    if (this.session !== undefined) this.startReader(reader, this.session);
  }

  protected override doSend(outbound: Outbound, isGuaranteed: boolean): boolean {
    const names = this.nats.channels.get(outbound.channel.name);
    if (names === undefined) throw channelUnknown(this.nats.bus.name, outbound.channel.name);
    if (isGuaranteed) return this.publishers.get(outbound.channel.name)!.send(outbound);
    this.publishLive(names, outbound);
    return true;
  }

  protected override doFlush(): void {
    // The client puts out what was published when the turn ends.
  }

  protected override doAcknowledge(delivery: Delivery): void {
    (delivery as NatsDelivery).source.acknowledge(delivery as NatsDelivery);
    this.wake();
  }

  protected override doResume(): void {
    this.wake();
  }

  protected override doStopReading(): void {
    this.isStopped = true;
    for (const reader of this.readers.values()) reader.stop();
  }

  protected override doClose(preserveJoins: boolean, done: () => void): void {
    if (this.reconnectTimer !== undefined) this.options.clock.cancel(this.reconnectTimer);
    for (const reader of this.readers.values()) reader.stop();
    const { session } = this;
    if (session === undefined) return done();
    this.session = undefined;
    const leave = preserveJoins ? Promise.resolve() : this.leave(session);
    leave
      .catch((thrown: unknown) => this.nats.log.log('warn', 'a durable subscription may be left behind', {}, thrown))
      .finally(() => {
        this.disconnect(session, natsError('AEP_NATS_LOST', this.nats.bus, 'the binding was closed'));
        session.link.close(done);
      });
  }

  onLost(session: Session, cause: AepError): void {
    if (session !== this.session) return; // given up already
    this.session = undefined;
    this.disconnect(session, cause);
    if (this.state !== 'open') return;
    if (this.options.failPolicy === 'Fail') return this.fail(cause);
    const { listener } = this.options;
    for (const { channel } of this.readers.values()) listener.onChannelDown(channel, cause);
    listener.onBindingDown(cause);
    this.reconnectLater(cause);
  }

  onRefused(session: Session, cause: AepError): void {
    if (session === this.session && this.state === 'open') this.fail(cause);
  }

  // What publishers and readers say.

  onStored(outbound: Outbound): void {
    this.confirm(outbound);
  }

  onRoom(): void {
    this.writable();
  }

  onSilent(): void {
    const { session } = this;
    if (session === undefined) return;
    const { requestTimeoutMs, bus } = this.nats;
    const cause = natsError('AEP_NATS_TIMEOUT', bus, `no answer to a publish within ${requestTimeoutMs} ms`);
    session.link.close(() => undefined);
    this.onLost(session, cause);
  }

  onUnsendable(cause: AepError): void {
    this.options.clock.defer(() => this.fail(cause));
  }

  onReady(): void {
    this.deliverSome();
  }

  onRedelivered(): void {
    this.counts.redelivered++;
  }

  onDropped(): void {
    this.counts.dropped++;
  }

  onFailed(cause: AepError): void {
    this.fail(cause);
  }

  private connect(done: (error: AepError | undefined) => void): void {
    this.dialer.dial(this, (error, session) => {
      if (session === undefined) return done(error);
      if (this.state !== 'opening' && this.state !== 'open') return session.link.close(() => done(undefined));
      this.session = session;
      this.failures = 0;
      this.lastLogged = '';
      for (const publisher of this.publishers.values()) publisher.start(session);
      done(undefined);
    });
  }

  private reconnectLater(cause: AepError): void {
    if (cause.code !== this.lastLogged) {
      this.lastLogged = cause.code;
      this.nats.log.log('warn', 'no connection, trying again', {}, cause);
    }
    const { reconnectMinMs, reconnectMaxMs, random, clock } = this.nats;
    const fullMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.min(this.failures++, 20));
    // Half of it is chance, so that the apps of a broken broker do not return in step.
    this.reconnectTimer = clock.schedule(fullMs * (0.5 + random.float() / 2), () => {
      this.reconnectTimer = undefined;
      this.connect((error) => this.onReconnected(error));
    });
  }

  private onReconnected(error: AepError | undefined): void {
    if (this.state !== 'open') return;
    if (error !== undefined) return error.advice === 'retry' ? this.reconnectLater(error) : this.fail(error);
    const { session } = this;
    if (session === undefined) return; // lost again already
    this.options.listener.onBindingUp();
    for (const reader of this.readers.values()) this.startReader(reader, session);
  }

  private startReader(reader: Reader, session: Session): void {
    if (this.isStopped) return;
    reader.start(session).then(
      () => {
        if (this.session === session && this.state === 'open') this.options.listener.onChannelUp(reader.channel);
      },
      (thrown: unknown) => {
        if (this.session !== session || this.state !== 'open') return;
        const error = asNatsError(this.nats, thrown);
        if (error.advice !== 'retry') return this.fail(error);
        session.link.close(() => undefined);
        this.onLost(session, error);
      },
    );
  }

  /** Publishers and readers wait for the next connection. */
  private disconnect(session: Session, cause: AepError): void {
    session.end(cause);
    for (const publisher of this.publishers.values()) publisher.onDisconnected();
    for (const reader of this.readers.values()) reader.onDisconnected();
  }

  /** Gives up the durable subscriptions that the roster does not name. */
  private async leave(session: Session): Promise<void> {
    for (const reader of this.readers.values()) {
      if (!(reader instanceof StreamReader)) continue;
      const isOfRoster = this.nats.bus.roster.some(
        ({ app, channel }) => app === this.nats.app && channel === reader.channel.name,
      );
      if (isOfRoster) continue;
      const { stream } = reader.subscription;
      for (const name of durableNames(this.nats.app)) await session.provisioning.deleteConsumer(stream, name);
    }
  }

  private publishLive({ subjects }: ChannelNames, outbound: Outbound): void {
    const { bytes, start, end, key, metadata } = outbound;
    const link: Link | undefined = this.session?.link;
    const head = encodeHead(metadata);
    const subject = subjects.toSubject(key);
    if (link === undefined || sizeProblem(link.info, subject, end - start + head.length) !== undefined) {
      this.counts.dropped++;
      return;
    }
    // The client writes at the end of the turn, and the bytes are the engine's again before.
    link.publish(subject, bytes.slice(start, end), { head });
  }

  private patternsOf(channel: string): Set<string> {
    let patterns = this.patterns.get(channel);
    if (patterns === undefined) {
      patterns = new Set(rosterPatterns(this.nats, this.nats.app, channel));
      this.patterns.set(channel, patterns);
    }
    return patterns;
  }

  private wake(): void {
    if (this.isTurnPlanned) return;
    this.isTurnPlanned = true;
    this.options.clock.defer(() => {
      this.isTurnPlanned = false;
      this.deliverSome();
    });
  }

  private deliverSome(): void {
    if (this.isDelivering) return;
    this.isDelivering = true;
    try {
      for (let left = TURN_MAX; left > 0; left--) {
        const reader = this.canDeliver ? this.nextReader() : undefined;
        if (reader === undefined) return;
        const delivery = reader.take();
        if (!this.deliver(delivery)) return reader.untake(delivery);
      }
      this.wake();
    } finally {
      this.isDelivering = false;
    }
  }

  private nextReader(): Reader | undefined {
    const readers = [...this.readers.values()];
    for (let tried = 0; tried < readers.length; tried++) {
      const reader = readers[(this.firstReader + tried) % readers.length]!;
      if (reader.ready.size === 0) continue;
      this.firstReader = (this.firstReader + tried + 1) % readers.length;
      return reader;
    }
    return undefined;
  }
}
