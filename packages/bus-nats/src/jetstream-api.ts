import type { AepError, Clock, Random, TimerHandle } from '@aep/kernel';
import type { BusDescription } from '@aep/bus';
import { statusOf } from './headers.js';
import type { Link, LinkMessage } from './link.js';
import { natsError } from './nats-errors.js';

/** What JetStream answers; its error is part of the answer. */
export interface ApiReply {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
  readonly [field: string]: unknown;
}

/** Error numbers of JetStream's API that are answers rather than failures. */
export const JsErrorCode = { streamNotFound: 10059, streamNameInUse: 10058, consumerNotFound: 10014 } as const;

export interface StreamConfig {
  readonly name: string;
  readonly subjects?: readonly string[];
  readonly retention?: string;
  readonly storage?: string;
  readonly discard?: string;
  readonly max_bytes?: number;
  readonly max_msg_size?: number;
  readonly num_replicas?: number;
  readonly duplicate_window?: number;
}

export interface StreamInfo extends ApiReply {
  readonly config: StreamConfig;
  readonly state: { readonly last_seq: number };
}

export interface ConsumerConfig {
  readonly durable_name: string;
  readonly opt_start_seq?: number;
  readonly ack_policy: string;
  readonly ack_wait: number;
  readonly deliver_policy: string;
  readonly deliver_subject?: string;
  readonly filter_subject?: string;
  readonly max_ack_pending: number;
  readonly max_deliver: number;
  readonly replay_policy: string;
}

export interface ConsumerInfo extends ApiReply {
  readonly name: string;
  /** RFC 3339. */
  readonly created: string;
  readonly config: ConsumerConfig;
  readonly delivered: { readonly consumer_seq: number; readonly stream_seq: number };
  /** Everything up to here is acknowledged. */
  readonly ack_floor: { readonly consumer_seq: number; readonly stream_seq: number };
  readonly num_ack_pending: number;
  /** Pull requests that wait for messages. */
  readonly num_waiting: number;
}

const INBOX_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const INBOX_LENGTH = 22;

/** A subject that nobody else has, to be answered at. */
export function createInbox(prefix: string, random: Random): string {
  let name = `${prefix}.`;
  for (let left = INBOX_LENGTH; left > 0; left--) name += INBOX_LETTERS.charAt(random.below(INBOX_LETTERS.length));
  return name;
}

export interface ApiParts {
  readonly bus: BusDescription;
  readonly link: Link;
  readonly clock: Clock;
  readonly inbox: string;
  readonly timeoutMs: number;
}

interface OpenCall {
  readonly what: string;
  readonly resolve: (reply: ApiReply) => void;
  readonly reject: (error: AepError) => void;
  readonly timer: TimerHandle;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** JetStream's API over one link: JSON asked and answered (https://docs.nats.io/reference/reference-protocols/nats_api_reference). */
export class JetStreamApi {
  private readonly calls = new Map<string, OpenCall>();
  private nextCall = 1;

  constructor(private readonly parts: ApiParts) {
    parts.link.subscribe(`${parts.inbox}.*`, (message) => this.onReply(message));
  }

  /**
   * @throws (as a rejection) AEP_NATS_TIMEOUT (retry) without an answer in time, AEP_NATS_JETSTREAM_AWAY (retry) when nobody serves
   * the API at the moment, and what `end` was told
   */
  call<R extends ApiReply>(name: string, request?: object): Promise<R> {
    const { link, clock, inbox, timeoutMs, bus } = this.parts;
    return new Promise<ApiReply>((resolve, reject) => {
      const reply = `${inbox}.${this.nextCall++}`;
      const timer = clock.schedule(timeoutMs, () => {
        this.calls.delete(reply);
        reject(natsError('AEP_NATS_TIMEOUT', bus, `no answer to ${name} within ${timeoutMs} ms`));
      });
      this.calls.set(reply, { what: name, resolve, reject, timer });
      link.publish(`$JS.API.${name}`, encoder.encode(request === undefined ? '' : JSON.stringify(request)), { reply });
    }) as Promise<R>;
  }

  /** The link is gone: nobody answers any more. */
  end(cause: AepError): void {
    for (const { reject, timer } of this.calls.values()) {
      this.parts.clock.cancel(timer);
      reject(cause);
    }
    this.calls.clear();
  }

  private onReply(message: LinkMessage): void {
    const call = this.calls.get(message.subject);
    if (call === undefined) return; // too late
    this.calls.delete(message.subject);
    this.parts.clock.cancel(call.timer);
    const status = statusOf(message.head);
    if (status !== undefined) return call.reject(this.away(call.what, `status ${status.code} ${status.text}`.trim()));
    try {
      call.resolve(JSON.parse(decoder.decode(message.data)) as ApiReply);
    } catch {
      call.reject(this.away(call.what, 'the answer is no JSON'));
    }
  }

  private away(what: string, why: string): AepError {
    return natsError('AEP_NATS_JETSTREAM_AWAY', this.parts.bus, `${what}: ${why}; is JetStream still starting?`);
  }
}
