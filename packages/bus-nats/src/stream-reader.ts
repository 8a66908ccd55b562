import { AepError, assert, RingQueue, type TimerHandle, toError } from '@aep/kernel';
import { readAckSubject } from './ack-subject.js';
import { decodeHead, type HeadStatus, statusOf } from './headers.js';
import type { ConsumerInfo } from './jetstream-api.js';
import type { LinkMessage } from './link.js';
import { type DeliverySource, NatsDelivery } from './nats-delivery.js';
import type { ChannelNames, NatsOptions } from './nats-options.js';
import { OrderKeeper } from './order-keeper.js';
import { durableName } from './provisioning.js';
import { PullRequests } from './pull-requests.js';
import type { Session } from './session.js';
import { KeyFilter } from './subjects.js';

const NS_PER_MS = 1_000_000;
const PULL_EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 5_000;
/** The server looks for what was not acknowledged in time about ten times a second. */
const RECOVERY_ACK_WAIT_MS = 50;
const RECOVERY_PULL_AFTER_MS = 170;
/** Turns without a message, of {@link RECOVERY_PULL_AFTER_MS} each. */
const RECOVERY_TURNS_MAX = 4;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;
const CODE_HEARTBEAT = 100;
/** Far above what is asked for: the windows are the bound, and what a recovery brings is bounded by the consumer's `max_ack_pending`. */
const READY_MAX = 2 ** 22;
/** New messages that a recovery holds back. */
const HELD_MAX = 65_536;
const NO_BYTES = new Uint8Array(0);

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
 *   begin: ask where it stands ──nothing unacknowledged──> flowing: pull, deliver, acknowledge
 *             ^       └──some──> recovering: have them sent again, hold back what is new ──all here──^
 *             └── a delivery is missing, the server says no, silence, a new connection ──┘
 * ```
 */
export class StreamReader implements DeliverySource {
  /** In order, for the engine. */
  readonly ready: RingQueue<NatsDelivery>;
  private readonly keeper = new OrderKeeper();
  private readonly requests = new PullRequests();
  private held: NatsDelivery[] = [];
  private filter: KeyFilter;
  private session: Session | undefined;
  /** Answers to earlier sessions are not for this one. */
  private generation = 0;
  private unsubscribe: (() => void) | undefined;
  private inbox = '';
  private timer: TimerHandle | undefined;
  private heardAtMs = 0;
  private failures = 0;
  private readyBytes = 0;
  private isAnyPullOversized = false;

  constructor(
    private readonly names: ChannelNames,
    private readonly options: NatsOptions,
    private readonly owner: ReaderOwner,
    patterns: readonly string[],
  ) {
    this.filter = new KeyFilter(names.subjects.root, patterns);
    this.ready = new RingQueue(READY_MAX);
  }

  get channel(): ChannelNames['description'] {
    return this.names.description;
  }

  get consumer(): { readonly stream: string; readonly durable: string; readonly filterSubject: string | undefined } {
    return {
      stream: this.names.stream,
      durable: durableName(this.options.app),
      filterSubject: this.filter.subject,
    };
  }

  setPatterns(patterns: readonly string[]): void {
    this.filter = new KeyFilter(this.names.subjects.root, patterns);
  }

  /** A new connection, or the join: resolves when the consumer is there and is being read. @throws as `Provisioning` */
  async start(session: Session): Promise<void> {
    this.session = session;
    const info = await session.provisioning.ensureConsumer(this.consumer);
    if (this.session === session) await this.begin(info);
  }

  /** The connection is gone, or nothing is to be read any more. Acknowledgements still go out while there is a connection. */
  stop(): void {
    this.generation++;
    this.endSession();
  }

  onDisconnected(): void {
    this.stop();
    this.session = undefined;
  }

  /** The first that is ready goes to the engine now; it may acknowledge it before this turn is over. */
  take(): NatsDelivery {
    const delivery = this.ready.poll()!;
    this.readyBytes -= delivery.end;
    this.keeper.onGiven(delivery.position);
    this.pull();
    return delivery;
  }

  /** The engine has no room for what was taken last. */
  untake(delivery: NatsDelivery): void {
    this.ready.offerFirst(delivery);
    this.readyBytes += delivery.end;
    this.keeper.onRefused();
  }

  acknowledge(delivery: NatsDelivery): void {
    this.keeper.onAcknowledged(delivery.position.streamSeq);
    // Without a connection it is told to the broker when the message comes again.
    this.session?.link.publish(delivery.ackSubject, NO_BYTES);
  }

  private async begin(info: ConsumerInfo): Promise<void> {
    const session = this.session!;
    const generation = ++this.generation;
    this.endSession();
    this.inbox = session.createInbox();
    this.unsubscribe = session.link.subscribe(`${this.inbox}.*`, (message) => this.onMessage(message, generation));
    const { delivered, num_ack_pending: pendingCount, config } = info;
    this.keeper.begin({ deliverySeq: delivered.consumer_seq, streamSeq: delivered.stream_seq, pendingCount });
    const ackWaitMs = pendingCount > 0 ? RECOVERY_ACK_WAIT_MS : this.options.ackWaitMs;
    const { filterSubject } = this.consumer;
    if (config.ack_wait !== ackWaitMs * NS_PER_MS || config.filter_subject !== filterSubject) {
      await session.provisioning.putConsumer(this.consumer, ackWaitMs);
      if (generation !== this.generation) return;
    }
    this.heardAtMs = this.options.clock.monotonicMs();
    if (this.keeper.isRecovering)
      this.later(RECOVERY_PULL_AFTER_MS, () => this.pullPending(pendingCount, RECOVERY_TURNS_MAX));
    else this.flow();
  }

  private endSession(): void {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
    this.requests.clear();
    this.ready.clear();
    this.readyBytes = 0;
    this.held = [];
    this.clearTimer();
  }

  /** Asks again where the consumer stands. */
  private restart(why: string, delayMs: number): void {
    const { log } = this.options;
    log.log('info', `reading of channel "${this.channel.name}" begins again: ${why}`, { channel: this.channel.name });
    this.stop();
    const { session, generation } = this;
    if (session === undefined) return;
    this.later(delayMs, () => {
      session.provisioning.ensureConsumer(this.consumer).then(
        (info) =>
          generation === this.generation ? this.begin(info).catch((thrown) => this.onTrouble(thrown)) : undefined,
        (thrown: unknown) => (generation === this.generation ? this.onTrouble(thrown) : undefined),
      );
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

  /**
   * Until all that is pending is here or acknowledged. When nothing comes any more, acknowledgements were still under way to the broker
   * when it counted: it is asked anew.
   */
  private pullPending(missingBefore: number, turnsLeft: number): void {
    const missing = this.keeper.missingCount;
    if (missing === 0) return this.onRecovered();
    if (turnsLeft === 0) return this.restart('not all that was unacknowledged has come again', 0);
    if (this.requests.isEmpty && this.held.length < HELD_MAX) this.request(missing);
    const turns = missing < missingBefore ? RECOVERY_TURNS_MAX : turnsLeft - 1;
    this.later(RECOVERY_PULL_AFTER_MS, () => this.pullPending(missing, turns));
  }

  private onRecovered(): void {
    const { held, session, generation } = this;
    this.held = [];
    held.sort((a, b) => a.position.streamSeq - b.position.streamSeq);
    let lastSeq = 0;
    for (const delivery of held) {
      if (delivery.position.streamSeq === lastSeq) continue; // it came twice
      lastSeq = delivery.position.streamSeq;
      this.offer(delivery);
    }
    this.keeper.recoveryDone(lastSeq);
    session!.provisioning
      .putConsumer(this.consumer, this.options.ackWaitMs)
      .catch((thrown: unknown) => (generation === this.generation ? this.onTrouble(thrown) : undefined));
    this.flow();
  }

  private flow(): void {
    this.pull();
    this.watch();
  }

  /** The server says something at least every heartbeat while a request is open. */
  private watch(): void {
    this.later(HEARTBEAT_MS, () => {
      const silentMs = this.options.clock.monotonicMs() - this.heardAtMs;
      if (!this.requests.isEmpty && silentMs > 2 * HEARTBEAT_MS) return this.restart('the server is silent', 0);
      this.pull();
      this.watch();
    });
  }

  private pull(): void {
    if (this.unsubscribe === undefined || this.keeper.isRecovering || !this.owner.isReading) return;
    const { windowMessages } = this.options;
    const room = windowMessages - this.ready.size - this.requests.leftCount;
    if (room >= windowMessages / 2 && this.readyBytes <= this.options.windowBytes / 2) this.request(room);
  }

  private request(batch: number): void {
    if (this.requests.isEmpty) this.heardAtMs = this.options.clock.monotonicMs();
    const reply = `${this.inbox}.${this.requests.add(batch)}`;
    const { consumer } = this;
    const text = JSON.stringify({
      batch,
      expires: PULL_EXPIRES_MS * NS_PER_MS,
      idle_heartbeat: HEARTBEAT_MS * NS_PER_MS,
      ...(this.isAnyPullOversized ? {} : { max_bytes: this.options.windowBytes }),
    });
    this.isAnyPullOversized = false;
    this.session!.link.publish(`$JS.API.CONSUMER.MSG.NEXT.${consumer.stream}.${consumer.durable}`, Buffer.from(text), {
      reply,
    });
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
    if (generation !== this.generation) return;
    if (this.keeper.isRecovering && this.keeper.missingCount === 0) this.onRecovered();
    else this.pull();
  }

  private judge(delivery: NatsDelivery, head: Uint8Array | undefined): void {
    const verdict = this.keeper.accept(delivery.position);
    switch (verdict) {
      case 'gap':
        return this.restart('a delivery is missing; does the app run twice?', this.backoffMs());
      case 'replaced':
        this.keeper.forget();
        return this.restart('the stream was made anew', 0);
      case 'known':
        return this.owner.onRedelivered();
      case 'acknowledged':
        return this.acknowledge(delivery);
      case 'deliver':
      case 'hold':
        if (!this.filter.takes(delivery.key)) return this.session!.link.publish(delivery.ackSubject, NO_BYTES);
        this.describe(delivery, head);
        if (verdict === 'hold') this.held.push(delivery);
        else this.offer(delivery);
    }
  }

  private describe(delivery: NatsDelivery, head: Uint8Array | undefined): void {
    readMetadata(delivery, head, this.options);
    if (delivery.position.attempts === 1) return;
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
      this.isAnyPullOversized = true;
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
