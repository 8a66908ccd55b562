import { RingQueue } from '@aep/kernel';
import { statusOf } from './headers.js';
import type { LinkMessage } from './link.js';
import { type DeliverySource, NatsDelivery } from './nats-delivery.js';
import type { ChannelNames, NatsOptions } from './nats-options.js';
import type { Session } from './session.js';
import { type ReaderOwner, readMetadata } from './stream-reader.js';
import { KeyFilter } from './subjects.js';

/** What a live reader tells its binding. */
export interface LiveReaderOwner extends ReaderOwner {
  /** A message came for which there is no room. */
  onDropped(): void;
}

/** One app on one BestEffort channel: a plain subscription. What the engine has no room for waits, up to `bestEffortQueueMax`; then it is dropped. */
export class LiveReader implements DeliverySource {
  readonly ready: RingQueue<NatsDelivery>;
  private filter: KeyFilter;
  private session: Session | undefined;
  private unsubscribe: (() => void) | undefined;

  constructor(
    private readonly names: ChannelNames,
    private readonly options: NatsOptions,
    private readonly owner: LiveReaderOwner,
    patterns: readonly string[],
  ) {
    this.filter = new KeyFilter(names.subjects.root, patterns);
    this.ready = new RingQueue(options.bestEffortQueueMax);
  }

  get channel(): ChannelNames['description'] {
    return this.names.description;
  }

  setPatterns(patterns: readonly string[]): void {
    this.filter = new KeyFilter(this.names.subjects.root, patterns);
  }

  async start(session: Session): Promise<void> {
    this.stop();
    this.session = session;
    const { all } = this.names.subjects;
    const subjects = this.filter.subject === undefined ? all : [this.filter.subject];
    const ends = subjects.map((subject) => session.link.subscribe(subject, (message) => this.onMessage(message)));
    this.unsubscribe = () => {
      for (const end of ends) end();
    };
    await session.link.flush();
  }

  stop(): void {
    if (this.session?.isOpen === true) this.unsubscribe?.();
    this.unsubscribe = undefined;
  }

  onDisconnected(): void {
    this.unsubscribe = undefined;
    this.session = undefined;
  }

  take(): NatsDelivery {
    return this.ready.poll()!;
  }

  untake(delivery: NatsDelivery): void {
    this.ready.offerFirst(delivery);
  }

  acknowledge(): void {
    // Nobody waits for it.
  }

  private onMessage({ subject, head, data }: LinkMessage): void {
    if (statusOf(head) !== undefined || !this.owner.isReading) return;
    const key = this.names.subjects.toKey(subject);
    if (!this.filter.takes(key)) return;
    const delivery = new NatsDelivery(this, this.channel, key, data);
    readMetadata(delivery, head, this.options);
    if (this.ready.offer(delivery)) this.owner.onReady();
    else this.owner.onDropped();
  }
}
