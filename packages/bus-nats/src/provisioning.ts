import type { AepError } from '@aep/kernel';
import type { ChannelDescription } from '@aep/bus';
import {
  type ApiReply,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamApi,
  JsErrorCode,
  type StreamInfo,
} from './jetstream-api.js';
import { natsError } from './nats-errors.js';
import type { NatsOptions } from './nats-options.js';
import { type ChannelSubjects, toToken } from './subjects.js';

const NS_PER_MS = 1_000_000;

/** A Guaranteed channel as JetStream has it. */
export interface ChannelStream {
  readonly channel: ChannelDescription;
  readonly stream: string;
  readonly subjects: ChannelSubjects;
}

/** One app's durable subscription of one stream. */
export interface Subscription {
  readonly stream: string;
  readonly app: string;
  /** What the server sends; undefined for everything. */
  readonly filterSubject: string | undefined;
}

/**
 * The names that the durable consumer of an app has in turn: a successor must be there before its predecessor goes, or the
 * stream would drop what nobody subscribes to.
 */
export function durableNames(app: string): readonly [string, string] {
  return [toToken(app), `${toToken(app)}~2`];
}

/**
 * Makes what is missing of the streams and the durable consumers that the deployment names, and checks what is there. Everything is
 * made by whoever comes first: a stream that keeps messages by interest must know its subscribers before the first
 * message. What an operator has set up is used and not changed, but for the filter of the own consumer.
 */
export class Provisioning {
  constructor(
    private readonly api: JetStreamApi,
    private readonly options: NatsOptions,
  ) {}

  /** @throws (as a rejection) AEP_NATS_STREAM_UNFIT, AEP_NATS_REFUSED (reject), AEP_NATS_OUT_OF_RESOURCES, AEP_NATS_TIMEOUT, AEP_NATS_JETSTREAM_AWAY (retry) */
  async ensureStream(wanted: ChannelStream): Promise<StreamInfo> {
    const { stream } = wanted;
    let info = await this.api.call<StreamInfo>(`STREAM.INFO.${stream}`);
    if (info.error?.err_code === JsErrorCode.streamNotFound) {
      info = await this.api.call<StreamInfo>(`STREAM.CREATE.${stream}`, this.streamConfig(wanted));
      // Somebody else was faster, with other limits.
      if (info.error?.err_code === JsErrorCode.streamNameInUse) info = await this.api.call(`STREAM.INFO.${stream}`);
    }
    this.refuseError(info, `stream "${stream}"`);
    const { subjects = [] } = info.config;
    const missing = wanted.subjects.all.filter((subject) => !subjects.some((taken) => covers(taken, subject)));
    if (missing.length > 0) {
      throw this.unfit(`stream "${stream}" exists and does not take ${missing.join(', ')}: add these to its subjects`);
    }
    return info;
  }

  /**
   * Makes the consumer when it is missing; from then on the stream keeps for it what it has not acknowledged.
   *
   * @throws as `ensureStream`
   */
  async ensureConsumer(wanted: Subscription): Promise<ConsumerInfo> {
    const infos = await Promise.all(durableNames(wanted.app).map((name) => this.findConsumer(wanted, name)));
    const [first, second] = infos.filter((info) => info !== undefined).toSorted(byAge);
    if (first === undefined) return await this.createConsumer(wanted, durableNames(wanted.app)[0], undefined);
    if (second === undefined) return first;
    // Somebody was interrupted between making the successor and deleting its predecessor.
    await this.deleteConsumer(wanted.stream, second.name);
    return first;
  }

  /**
   * A consumer that begins where this one has everything acknowledged, in its place. It delivers all the rest in the order of the stream,
   * which redeliveries of the old one would not; and the old one may have forgotten what it had delivered: nats-server up to 2.9.15
   * forgets it for streams that keep by interest when it is killed (README, "What a killed server forgets").
   *
   * @throws as `ensureStream`
   */
  async succeedConsumer(wanted: Subscription, { name, ack_floor }: ConsumerInfo): Promise<ConsumerInfo> {
    const [one, other] = durableNames(wanted.app);
    const successor = await this.createConsumer(wanted, name === one ? other : one, ack_floor.stream_seq + 1);
    await this.deleteConsumer(wanted.stream, name);
    return successor;
  }

  /** The subscription of an app that is not there now; when its consumer is not whole, whoever comes first repairs it. @throws as `ensureStream` */
  async ensureForeignConsumer(wanted: Subscription): Promise<void> {
    const info = await this.ensureConsumer(wanted);
    const isRead = info.num_waiting > 0;
    if (!isRead && info.num_ack_pending === 0 && hasUnacknowledged(info)) await this.succeedConsumer(wanted, info);
  }

  async deleteConsumer(stream: string, name: string): Promise<void> {
    await this.api.call(`CONSUMER.DELETE.${stream}.${name}`);
  }

  private async findConsumer({ stream }: Subscription, name: string): Promise<ConsumerInfo | undefined> {
    const info = await this.api.call<ConsumerInfo>(`CONSUMER.INFO.${stream}.${name}`);
    if (info.error?.err_code === JsErrorCode.consumerNotFound) return undefined;
    this.refuseError(info, `consumer "${name}" of stream "${stream}"`);
    this.checkConsumer(info, stream);
    return info;
  }

  private async createConsumer(
    wanted: Subscription,
    name: string,
    startSeq: number | undefined,
  ): Promise<ConsumerInfo> {
    const { stream } = wanted;
    const request = { stream_name: stream, config: this.consumerConfig(wanted, name, startSeq) };
    const info = await this.api.call<ConsumerInfo>(`CONSUMER.DURABLE.CREATE.${stream}.${name}`, request);
    // Somebody else was faster, or has begun from another place; it covers what this one would.
    const existing = info.error === undefined ? undefined : await this.findConsumer(wanted, name);
    if (existing !== undefined) return existing;
    this.refuseError(info, `consumer "${name}" of stream "${stream}"`);
    return info;
  }

  private streamConfig({ stream, subjects }: ChannelStream): object {
    const { replicas, streamBytesMax, duplicateWindowMs } = this.options;
    return {
      name: stream,
      subjects: subjects.all,
      // A message goes when every consumer has acknowledged it, and one that nobody subscribes to is not kept at all.
      retention: 'interest',
      storage: 'file',
      // A full stream refuses the new, it never drops the old.
      discard: 'new',
      max_bytes: streamBytesMax,
      num_replicas: replicas,
      duplicate_window: duplicateWindowMs * NS_PER_MS,
    };
  }

  private consumerConfig({ filterSubject }: Subscription, name: string, startSeq: number | undefined): ConsumerConfig {
    return {
      durable_name: name,
      ack_policy: 'explicit',
      ack_wait: this.options.ackWaitMs * NS_PER_MS,
      max_ack_pending: this.options.ackPendingMax,
      max_deliver: -1,
      replay_policy: 'instant',
      ...(startSeq === undefined
        ? { deliver_policy: 'new' }
        : { deliver_policy: 'by_start_sequence', opt_start_seq: startSeq }),
      ...(filterSubject === undefined ? {} : { filter_subject: filterSubject }),
    };
  }

  private checkConsumer({ name, config }: ConsumerInfo, stream: string): void {
    const where = `consumer "${name}" of stream "${stream}" exists and`;
    if (config.ack_policy !== 'explicit')
      throw this.unfit(`${where} has ack_policy ${config.ack_policy}: it must be explicit`);
    if (config.deliver_subject !== undefined)
      throw this.unfit(`${where} pushes its messages: it must be a pull consumer`);
    if (config.max_deliver > 0) {
      throw this.unfit(
        `${where} gives up after ${config.max_deliver} deliveries (max_deliver), so messages would be lost: it must be -1`,
      );
    }
  }

  private unfit(why: string): AepError {
    return natsError('AEP_NATS_STREAM_UNFIT', this.options.bus, why);
  }

  private refuseError({ error }: ApiReply, what: string): void {
    if (error === undefined) return;
    const { code, err_code, description = 'no reason given' } = error;
    // 5xx: out of resources or without a leader at the moment; 4xx: it will not work the next time either.
    const kind = code >= 500 ? 'AEP_NATS_OUT_OF_RESOURCES' : 'AEP_NATS_REFUSED';
    throw natsError(kind, this.options.bus, `${what}: ${description} (${err_code ?? code})`);
  }
}

/** Has this consumer delivered, or passed over, what is not known to be acknowledged? One that has delivered nothing yet has not. */
export function hasUnacknowledged({ ack_floor, delivered }: ConsumerInfo): boolean {
  return delivered.consumer_seq > 0 && ack_floor.stream_seq < delivered.stream_seq;
}

/** The youngest first. */
function byAge(a: ConsumerInfo, b: ConsumerInfo): number {
  return Date.parse(b.created) - Date.parse(a.created);
}

/** Does a stream subject take everything that the other one takes? */
function covers(taken: string, wanted: string): boolean {
  const a = taken.split('.');
  const b = wanted.split('.');
  for (const [index, token] of a.entries()) {
    if (token === '>') return b.length > index;
    if (b[index] === undefined || (token !== '*' && token !== b[index]) || (token === '*' && b[index] === '>'))
      return false;
  }
  return a.length === b.length;
}
