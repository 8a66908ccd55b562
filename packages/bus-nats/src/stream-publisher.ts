import type { AepError, TimerHandle } from '@aep/kernel';
import type { Outbound } from '@aep/bus';
import { encodeHead, statusOf } from './headers.js';
import { createInbox } from './jetstream-api.js';
import type { LinkInfo, LinkMessage } from './link.js';
import { natsError } from './nats-errors.js';
import type { ChannelNames, NatsOptions } from './nats-options.js';
import { PublishPipeline, type PublishStep } from './publish-pipeline.js';
import type { Session } from './session.js';

/** The stream's last message is not the one that was expected. */
const WRONG_LAST_ID = 10_070;
const RETRY_FIRST_MS = 10;
const RETRY_MAX_MS = 1_000;
/** First letter of `{"stream":…`, the answer to a stored message; an error begins with `{"error"` or `{"type"`. */
const LETTER_AT = 2;
const LETTER_STORED = 0x73;

const decoder = new TextDecoder();

/** What a publisher tells its binding; always from the event loop. */
export interface PublisherOwner {
  onStored(outbound: Outbound): void;
  onRoom(): void;
  /** The broker has not answered for long: the connection is of no use. */
  onSilent(): void;
  /** A message can never be stored: it and all behind it wait for another configuration. */
  onUnsendable(cause: AepError): void;
}

/**
 * Guaranteed messages of one channel into its stream. The broker's answer to a publish is the confirmation. What is refused or not
 * answered is sent again for as long as it takes, in order (see {@link PublishPipeline}); the broker knows by the id what it has already.
 */
export class StreamPublisher {
  private readonly pipeline: PublishPipeline;
  private session: Session | undefined;
  private inbox = '';
  private retryTimer: TimerHandle | undefined;
  private silenceTimer: TimerHandle | undefined;
  private failures = 0;
  private lastAnswerAtMs = 0;
  /** The stream is full or away: said once in the log, and once when it is over. */
  private trouble = '';
  private nextUnnumbered = 1;
  /** No other publisher has it, in whatever process. */
  private readonly lifeId: string;

  constructor(
    private readonly names: ChannelNames,
    private readonly options: NatsOptions,
    private readonly owner: PublisherOwner,
  ) {
    const { publishMessagesMax: messagesMax, publishBytesMax: bytesMax, unconfirmedMax } = options;
    this.lifeId = createInbox('unnumbered', options.random);
    this.pipeline = new PublishPipeline({ messagesMax, bytesMax }, unconfirmedMax);
  }

  get size(): number {
    return this.pipeline.size;
  }

  /** False when there is no room. */
  send(outbound: Outbound): boolean {
    if (!this.pipeline.offer(outbound, this.idOf(outbound))) return false;
    this.pump();
    return true;
  }

  start(session: Session): void {
    this.session = session;
    this.inbox = session.createInbox();
    session.link.subscribe(`${this.inbox}.*.*`, (message) => this.onAnswer(message));
    this.pipeline.rewind();
    this.failures = 0;
    this.pump();
  }

  onDisconnected(): void {
    this.session = undefined;
    this.clearTimers();
    this.pipeline.rewind();
  }

  /** The same for every attempt, also of a later process: the numbers of a message are in the sender's journal. */
  private idOf({ metadata }: Outbound): string {
    const { senderId, incarnation, flow, sno } = metadata;
    // A message without a number is another one each time.
    if (sno <= 0) return `${this.lifeId}:${this.nextUnnumbered++}`;
    return `${senderId.toString(36)}.${incarnation.toString(36)}.${flow}.${sno}`;
  }

  private pump(): void {
    const { session } = this;
    if (session === undefined) return;
    for (let step = this.pipeline.next(); step !== undefined; step = this.pipeline.next()) this.publish(session, step);
    if (this.pipeline.inFlightCount > 0 && this.silenceTimer === undefined) this.watch();
  }

  private publish({ link }: Session, { entry, ordinal, run, expectedLastId }: PublishStep): void {
    const { bytes, start, end, key, metadata } = entry.outbound;
    const head = encodeHead(metadata, { id: entry.id, expectedLastId });
    const reply = `${this.inbox}.${run}.${ordinal}`;
    const subject = this.names.subjects.toSubject(key);
    const problem = sizeProblem(link.info, subject, end - start + head.length);
    if (problem !== undefined)
      return this.owner.onUnsendable(natsError('AEP_NATS_TOO_LARGE', this.options.bus, problem));
    link.publish(subject, bytes.subarray(start, end), { reply, head });
  }

  private onAnswer({ subject, head, data }: LinkMessage): void {
    const [run = 0, ordinal = 0] = subject
      .slice(this.inbox.length + 1)
      .split('.')
      .map(Number);
    this.lastAnswerAtMs = this.options.clock.monotonicMs();
    if (head === undefined && data[LETTER_AT] === LETTER_STORED) return this.onStored(ordinal);
    const status = statusOf(head);
    if (status !== undefined) return this.onRefused(run, `nobody stores it (${status.code} ${status.text})`);
    const error = errorOf(data);
    if (error === undefined) return this.onStored(ordinal);
    // Another sender was in between: at once again, with fewer at a time.
    if (error.number === WRONG_LAST_ID) {
      if (this.pipeline.onRefused(run, { hold: false })) this.pump();
      return;
    }
    this.onRefused(run, error.text);
  }

  private onStored(ordinal: number): void {
    this.failures = 0;
    if (this.trouble !== '') this.note('');
    this.pipeline.onStored(ordinal, ({ outbound }) => this.owner.onStored(outbound));
    this.pump();
    this.owner.onRoom();
  }

  private onRefused(run: number, why: string): void {
    if (!this.pipeline.onRefused(run, { hold: true })) return;
    this.note(why);
    const fullMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(this.failures++, 10));
    const { clock, random } = this.options;
    this.retryTimer = clock.schedule(fullMs * (0.5 + random.float() / 2), () => {
      this.retryTimer = undefined;
      this.pipeline.release();
      this.pump();
    });
  }

  private note(trouble: string): void {
    if (trouble === this.trouble) return;
    this.trouble = trouble;
    const { log } = this.options;
    const facts = { channel: this.names.description.name, stream: this.names.stream };
    if (trouble === '') log.log('info', 'the stream takes messages again', facts);
    else log.log('warn', `the stream takes no messages, what is sent waits: ${trouble}`, facts);
  }

  /** An answer must come within `requestTimeoutMs` while one is owed. */
  private watch(): void {
    const { clock, requestTimeoutMs } = this.options;
    const startedAtMs = clock.monotonicMs();
    this.silenceTimer = clock.schedule(requestTimeoutMs, () => {
      this.silenceTimer = undefined;
      if (this.session === undefined || this.pipeline.inFlightCount === 0) return;
      if (this.lastAnswerAtMs >= startedAtMs) this.watch();
      else this.owner.onSilent();
    });
  }

  private clearTimers(): void {
    for (const timer of [this.retryTimer, this.silenceTimer]) if (timer !== undefined) this.options.clock.cancel(timer);
    this.retryTimer = undefined;
    this.silenceTimer = undefined;
  }
}

/** The server's longest line is 4096 bytes by default; subject, reply subject and numbers share it. */
const SUBJECT_BYTES_MAX = 3_800;

/** Why the server would end the connection over such a message; undefined when it takes it. */
export function sizeProblem({ payloadBytesMax }: LinkInfo, subject: string, payloadBytes: number): string | undefined {
  if (payloadBytes > payloadBytesMax) {
    return `a message has ${payloadBytes} bytes with its headers, the server takes ${payloadBytesMax}: raise its max_payload, or set limits.messageBytesMax of the app`;
  }
  // No token needs more bytes than characters unless it is not ASCII; three is the most.
  if (subject.length > SUBJECT_BYTES_MAX / 3 && Buffer.byteLength(subject) > SUBJECT_BYTES_MAX) {
    return `a key makes a subject of more than ${SUBJECT_BYTES_MAX} bytes: set maxResolvedKeyLength of the channel`;
  }
  return undefined;
}

/** The error in an answer to a publish; undefined when the message is stored. */
function errorOf(data: Uint8Array): { readonly number: number; readonly text: string } | undefined {
  const text = decoder.decode(data);
  try {
    const { error } = JSON.parse(text) as { error?: { code?: number; err_code?: number; description?: string } };
    if (error === undefined) return undefined;
    return {
      number: error.err_code ?? error.code ?? 0,
      text: `${error.description ?? 'error'} (${error.err_code ?? error.code})`,
    };
  } catch {
    return { number: 0, text: `an answer that is no JSON: ${text.slice(0, 80)}` };
  }
}
