import { AepError, toError } from '@aep/kernel';
import type { Connector, LinkEvents } from './link.js';
import { natsError } from './nats-errors.js';
import type { NatsOptions } from './nats-options.js';
import { Session } from './session.js';
import { KeyFilter } from './subjects.js';

/** Room for metadata and what JetStream is told, beside the message. */
const HEAD_BYTES_TYPICAL = 512;

/** What becomes of a session that was handed over. */
export interface SessionEvents {
  onLost(session: Session, cause: AepError): void;
  /** The server refuses something for good. */
  onRefused(session: Session, cause: AepError): void;
}

type Done = (error: AepError | undefined, session: Session | undefined) => void;

/** Connects, and sees to it that everything is on the server that the deployment names; only then is it a session. */
export class Dialer {
  constructor(
    private readonly nats: NatsOptions,
    private readonly connector: Connector,
  ) {}

  /** One attempt. `done` comes once, from the event loop. */
  dial(events: SessionEvents, done: Done): void {
    const attempt = new Attempt(events);
    this.connector.connect(attempt, (error, link) => {
      if (link === undefined) return done(error, undefined);
      attempt.session = new Session(link, this.nats);
      void this.finish(attempt, attempt.session, done);
    });
  }

  private async finish(attempt: Attempt, session: Session, done: Done): Promise<void> {
    try {
      if (attempt.failure === undefined) await this.provision(session);
    } catch (thrown) {
      attempt.failure ??= asNatsError(this.nats, thrown);
    }
    const { failure } = attempt;
    if (failure !== undefined) return session.link.close(() => done(failure, undefined));
    attempt.isHandedOver = true;
    done(undefined, session);
  }

  private async provision(session: Session): Promise<void> {
    const { channels, bus, app: ownApp } = this.nats;
    const { info } = session.link;
    const guaranteed = [...channels.values()].filter(({ description }) => description.qos === 'Guaranteed');
    if (guaranteed.length > 0 && !info.hasJetStream) {
      const why = `the server ${info.server} runs without JetStream, which Guaranteed channels need: start it with --jetstream, or set qos="BestEffort"`;
      throw natsError('AEP_NATS_NO_JETSTREAM', bus, why);
    }
    this.comparePayload(info.payloadBytesMax);
    for (const { stream, subjects, description } of guaranteed) {
      await session.provisioning.ensureStream({ channel: description, stream, subjects });
    }
    for (const { app, channel } of bus.roster) {
      const { description, stream, subjects } = channels.get(channel)!;
      if (description.qos !== 'Guaranteed') continue;
      const filterSubject = new KeyFilter(subjects.root, rosterPatterns(this.nats, app, channel)).subject;
      const subscription = { stream, app, filterSubject };
      if (app === ownApp) await session.provisioning.ensureConsumer(subscription);
      else await session.provisioning.ensureForeignConsumer(subscription);
    }
  }

  private comparePayload(payloadBytesMax: number): void {
    const { messageBytesMax, log } = this.nats;
    if (payloadBytesMax >= messageBytesMax + HEAD_BYTES_TYPICAL) return;
    log.log('info', 'the server takes smaller messages (max_payload) than the app may send (limits.messageBytesMax)', {
      payloadBytesMax,
      messageBytesMax,
    });
  }
}

/** Until it is handed over, a lost connection fails the attempt and nothing else. */
class Attempt implements LinkEvents {
  session: Session | undefined;
  failure: AepError | undefined;
  isHandedOver = false;

  constructor(private readonly events: SessionEvents) {}

  onClosed(cause: AepError): void {
    if (this.isHandedOver) this.events.onLost(this.session!, cause);
    else this.fail(cause);
  }

  onRefused(cause: AepError): void {
    if (this.isHandedOver) this.events.onRefused(this.session!, cause);
    else this.fail(cause);
  }

  private fail(cause: AepError): void {
    this.failure ??= cause;
    this.session?.end(cause);
  }
}

/** What the deployment says that an app takes of a channel; empty when it does not join it. */
export function rosterPatterns({ bus }: NatsOptions, app: string, channel: string): string[] {
  const entries = bus.roster.filter((entry) => entry.app === app && entry.channel === channel);
  return entries.flatMap(({ patterns }) => (patterns.length === 0 ? ['**'] : patterns));
}

export function asNatsError({ bus }: Pick<NatsOptions, 'bus'>, thrown: unknown): AepError {
  if (thrown instanceof AepError) return thrown;
  return natsError('AEP_NATS_LOST', bus, toError(thrown).message, thrown);
}
