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

/** One app's durable consumer of one stream. */
export interface DurableConsumer {
  readonly stream: string;
  readonly durable: string;
  /** What the server sends; undefined for everything. */
  readonly filterSubject: string | undefined;
}

/** The durable name of an app. */
export function durableName(app: string): string {
  return toToken(app);
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

  /** Makes the consumer when it is missing; from then on the stream keeps for it what it has not acknowledged. @throws as `ensureStream` */
  async ensureConsumer(wanted: DurableConsumer): Promise<ConsumerInfo> {
    const { stream, durable } = wanted;
    const info = await this.api.call<ConsumerInfo>(`CONSUMER.INFO.${stream}.${durable}`);
    if (info.error?.err_code === JsErrorCode.consumerNotFound)
      return await this.putConsumer(wanted, this.options.ackWaitMs);
    this.refuseError(info, `consumer "${durable}" of stream "${stream}"`);
    this.checkConsumer(info, wanted);
    return info;
  }

  /** As `ensureConsumer`, and sets its filter and its time to acknowledge. @throws as `ensureStream` */
  async putConsumer(wanted: DurableConsumer, ackWaitMs: number): Promise<ConsumerInfo> {
    const { stream, durable } = wanted;
    const config = this.consumerConfig(wanted, ackWaitMs);
    const request = { stream_name: stream, config };
    const info = await this.api.call<ConsumerInfo>(`CONSUMER.DURABLE.CREATE.${stream}.${durable}`, request);
    this.refuseError(info, `consumer "${durable}" of stream "${stream}"`);
    return info;
  }

  async deleteConsumer(stream: string, durable: string): Promise<void> {
    await this.api.call(`CONSUMER.DELETE.${stream}.${durable}`);
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

  private consumerConfig({ durable, filterSubject }: DurableConsumer, ackWaitMs: number): ConsumerConfig {
    return {
      durable_name: durable,
      ack_policy: 'explicit',
      ack_wait: ackWaitMs * NS_PER_MS,
      deliver_policy: 'new',
      max_ack_pending: this.options.ackPendingMax,
      max_deliver: -1,
      replay_policy: 'instant',
      ...(filterSubject === undefined ? {} : { filter_subject: filterSubject }),
    };
  }

  private checkConsumer({ config }: ConsumerInfo, { stream, durable }: DurableConsumer): void {
    const where = `consumer "${durable}" of stream "${stream}" exists and`;
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
