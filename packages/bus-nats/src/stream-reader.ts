import { AepError, assert, RingQueue, type TimerHandle, toError } from '@aep/kernel';
import { readAckSubject } from './ack-subject.js';
import { decodeHead, type HeadStatus, statusOf } from './headers.js';
import type { LinkMessage } from './link.js';
import { type DeliverySource, NatsDelivery } from './nats-delivery.js';
import type { ChannelNames, NatsOptions } from './nats-options.js';
import { OrderKeeper } from './order-keeper.js';
import { hasUnacknowledged, type Subscription } from './provisioning.js';
import { PullRequests } from './pull-requests.js';
import type { Session } from './session.js';
import { KeyFilter } from './subjects.js';

const NS_PER_MS = 1_000_000;
const PULL_EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 1_000;
/** A pull request that reached no consumer is answered by nobody: so long, then the session begins again. */
const SILENCE_MS_MAX = 3_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;
const CODE_HEARTBEAT = 100;
const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
/** Far above what is asked for: the windows are the bound. */
const READY_MAX = 2 ** 22;

/** What a reader tells its binding; always from the event loop. */
export interface ReaderOwner {
  /** There is something to deliver. */
  onReady(): void;
  onRedelivered(): void;
  /** It does not work and will not by itself. */
  onFailed(cause: AepError): void;
  readonly isReading: boolean;
}

/**
 * One app on one Guaranteed channel: a durable pull consumer, read in the order of its stream. A session with it:
 * ```
 *   begin: is all acknowledged that was delivered? ──yes──> this consumer goes on ──> pull, deliver, acknowledge
 *             ^          └──no──> its successor begins behind what is acknowledged ──^       │
 *             └──── a delivery is missing, the server says no, silence, a new connection ────┘
 * ```
 */
export class StreamReader implements DeliverySource {
  /** In order, for the engine. */
  readonly ready = new RingQueue<NatsDelivery>(READY_MAX);
  private readonly keeper = new OrderKeeper();
  private readonly requests = new PullRequests();
  /** What the engine has and has not acknowledged, by its place in the stream. */
  private readonly inEngine = new Map<number, NatsDelivery>();
  private filter: KeyFilter;
  private session: Session | undefined;
  /**
   * On this connection it is known where the consumer stands. An acknowledgement that came before would be the end of what a killed server
   * has forgotten: with nothing on its list it takes everything for acknowledged that it ever delivered.
   */
  private isSettled = false;
  private consumerName = '';
  /** Up to here messages may have been handed out before this session. */
  private seenThroughSeq = 0;
  /** Answers to earlier sessions are not for this one. */
  private generation = 0;
  private unsubscribe: (() => void) | undefined;
  private inbox = '';
  private timer: TimerHandle | undefined;
  private heardAtMs = 0;
  private failures = 0;
  private readyBytes = 0;
  private isNextUnbounded = false;

  constructor(
    private readonly names: ChannelNames,
    private readonly options: NatsOptions,
    private readonly owner: ReaderOwner,
    patterns: readonly string[],
  ) {
    this.filter = new KeyFilter(names.subjects.root, patterns);
  }

  get channel(): ChannelNames['description'] {
    return this.names.description;
  }

  get subscription(): Subscription {
    return { stream: this.names.stream, app: this.options.app, filterSubject: this.filter.subject };
  }

  setPatterns(patterns: readonly string[]): void {
    this.filter = new KeyFilter(this.names.subjects.root, patterns);
  }

  /** A new connection, or the join: resolves when the consumer is there and is being read. @throws as `Provisioning` */
  async start(session: Session): Promise<void> {
    this.stop();
    this.session = session;
    await this.begin(session);
  }

  /** The connection is gone, or nothing is to be read any more. Acknowledgements still go out while there is a connection. */
  stop(): void {
    this.generation++;
    this.endSession();
  }

  onDisconnected(): void {
    this.stop();
    this.session = undefined;
    this.isSettled = false;
  }

  /** The first that is ready goes to the engine now; it may acknowledge it before this turn is over. */
  take(): NatsDelivery {
    const delivery = this.ready.poll()!;
    this.readyBytes -= delivery.end;
    this.keeper.onGiven(delivery.position);
    this.inEngine.set(delivery.position.streamSeq, delivery);
    this.pull();
    return delivery;
  }

  /** The engine has no room for what was taken last. */
  untake(delivery: NatsDelivery): void {
    this.ready.offerFirst(delivery);
    this.readyBytes += delivery.end;
    this.keeper.onRefused();
    this.inEngine.delete(delivery.position.streamSeq);
  }

  acknowledge(delivery: NatsDelivery): void {
    const { streamSeq } = delivery.position;
    // A delivery of a stream that was made anew since says nothing about the message that has its number now.
    if (this.inEngine.get(streamSeq) === delivery) {
      this.inEngine.delete(streamSeq);
      this.keeper.onAcknowledged(streamSeq);
    }
    // Otherwise the broker is told when the message comes again.
    if (this.isSettled) this.tellAcknowledged(delivery);
  }

  private async begin(session: Session): Promise<void> {
    const generation = ++this.generation;
    const { provisioning } = session;
    let info = await provisioning.ensureConsumer(this.subscription);
    if (generation !== this.generation) return;
    if (hasUnacknowledged(info) || info.config.filter_subject !== this.filter.subject) {
      this.seenThroughSeq = Math.max(this.seenThroughSeq, info.delivered.stream_seq);
      info = await provisioning.succeedConsumer(this.subscription, info);
      if (generation !== this.generation) return;
    }
    this.isSettled = true;
    this.consumerName = info.name;
    this.inbox = session.createInbox();
    this.unsubscribe = session.link.subscribe(`${this.inbox}.*`, (message) => this.onMessage(message, generation));
    this.keeper.begin({ deliverySeq: info.delivered.consumer_seq });
    this.heardAtMs = this.options.clock.monotonicMs();
    this.pull();
    this.watch();
  }

  private endSession(): void {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
    this.requests.clear();
    this.ready.clear();
    this.readyBytes = 0;
    this.clearTimer();
  }

  /** A new session over the same connection. */
  private restart(why: string, delayMs: number): void {
    const { log } = this.options;
    log.log('info', `reading of channel "${this.channel.name}" begins again: ${why}`, { channel: this.channel.name });
    this.stop();
    const { session } = this;
    if (session === undefined) return;
    this.later(delayMs, () => {
      const generation = this.generation + 1;
      this.begin(session).catch((thrown: unknown) => {
        if (generation === this.generation) this.onTrouble(thrown);
      });
    });
  }

  private onTrouble(thrown: unknown): void {
    const error = toError(thrown);
    if (error instanceof AepError && error.advice !== 'retry') return this.owner.onFailed(error);
    this.restart(error.message, this.backoffMs());
  }

  private backoffMs(): number {
    const fullMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(this.failures++, 10));
    return fullMs * (0.5 + this.options.random.float() / 2);
  }

  /** The server says something at least every heartbeat while a request is open. */
  private watch(): void {
    this.later(HEARTBEAT_MS, () => {
      const silentMs = this.options.clock.monotonicMs() - this.heardAtMs;
      if (!this.requests.isEmpty && silentMs > SILENCE_MS_MAX) return this.restart('the server is silent', 0);
      this.pull();
      this.watch();
    });
  }

  private pull(): void {
    if (this.unsubscribe === undefined || !this.owner.isReading) return;
    const { windowMessages } = this.options;
    const room = windowMessages - this.ready.size - this.requests.leftCount;
    if (room >= windowMessages / 2 && this.readyBytes <= this.options.windowBytes / 2) this.request(room);
  }

  private request(batch: number): void {
    if (this.requests.isEmpty) this.heardAtMs = this.options.clock.monotonicMs();
    const reply = `${this.inbox}.${this.requests.add(batch)}`;
    const text = JSON.stringify({
      batch,
      expires: PULL_EXPIRES_MS * NS_PER_MS,
      idle_heartbeat: HEARTBEAT_MS * NS_PER_MS,
      ...(this.isNextUnbounded ? {} : { max_bytes: this.options.windowBytes }),
    });
    this.isNextUnbounded = false;
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.names.stream}.${this.consumerName}`;
    this.session!.link.publish(subject, encoder.encode(text), { reply });
  }

  private onMessage(message: LinkMessage, generation: number): void {
    if (generation !== this.generation) return;
    this.heardAtMs = this.options.clock.monotonicMs();
    const status = statusOf(message.head);
    if (status !== undefined) return this.onStatus(status, message.subject);
    const position = readAckSubject(message.reply);
    if (position === undefined) return; // nobody but the server knows this inbox
    this.requests.onMessage();
    this.failures = 0;
    const delivery = new NatsDelivery(this, this.channel, this.names.subjects.toKey(message.subject), message.data);
    delivery.ackSubject = message.reply;
    delivery.position = position;
    this.judge(delivery, message.head);
    if (generation === this.generation) this.pull();
  }

  private judge(delivery: NatsDelivery, head: Uint8Array | undefined): void {
    const { position } = delivery;
    switch (this.keeper.accept(position)) {
      case 'gap':
        return this.restart('a delivery is missing; does the app run twice?', this.backoffMs());
      case 'replaced':
        this.keeper.forget();
        this.inEngine.clear();
        return this.restart('the stream was made anew', 0);
      case 'known': {
        // The engine will acknowledge its own; from now on that goes to where the message was delivered last.
        const held = this.inEngine.get(position.streamSeq);
        if (held !== undefined) held.ackSubject = delivery.ackSubject;
        return this.owner.onRedelivered();
      }
      case 'acknowledged':
        return this.tellAcknowledged(delivery);
      case 'deliver':
        if (!this.filter.takes(delivery.key)) return this.tellAcknowledged(delivery);
        this.describe(delivery, head);
        return this.offer(delivery);
    }
  }

  private tellAcknowledged({ ackSubject }: NatsDelivery): void {
    this.session?.link.publish(ackSubject, NO_BYTES);
  }

  private describe(delivery: NatsDelivery, head: Uint8Array | undefined): void {
    const { attempts, streamSeq } = delivery.position;
    readMetadata(delivery, head, this.options);
    if (attempts === 1 && streamSeq > this.seenThroughSeq) return;
    delivery.metadata.possibleDuplicate = true;
    this.owner.onRedelivered();
  }

  private offer(delivery: NatsDelivery): void {
    assert(this.ready.offer(delivery), 'windows keep the number of messages that wait for the engine bounded');
    this.readyBytes += delivery.end;
    this.owner.onReady();
  }

  private onStatus({ code, text }: HeadStatus, subject: string): void {
    if (code === CODE_HEARTBEAT) return;
    this.requests.onEnded(Number(subject.slice(this.inbox.length + 1)));
    if (code === 404 || code === 408) return this.pull();
    if (code === 409 && /size exceeds/i.test(text)) {
      // A message larger than the window: alone it may come.
      this.isNextUnbounded = true;
      return this.request(1);
    }
    if (code === 409 && /max ?ack ?pending/i.test(text)) return;
    this.restart(`the server says ${code} ${text}`.trim(), this.backoffMs());
  }

  private later(delayMs: number, action: () => void): void {
    this.clearTimer();
    this.timer = this.options.clock.schedule(delayMs, action);
  }

  private clearTimer(): void {
    if (this.timer !== undefined) this.options.clock.cancel(this.timer);
    this.timer = undefined;
  }
}

/** Fills in the metadata; headers that cannot be read leave a message without any, which the engine makes a dead letter. */
export function readMetadata(
  delivery: NatsDelivery,
  head: Uint8Array | undefined,
  { log }: Pick<NatsOptions, 'log'>,
): void {
  try {
    decodeHead(head, delivery.metadata);
  } catch (thrown) {
    delivery.metadata.reset();
    log.log('warn', 'a message has metadata that cannot be read', { channel: delivery.channel.name }, thrown);
  }
}
