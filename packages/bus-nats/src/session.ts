import type { AepError } from '@aep/kernel';
import { createInbox, JetStreamApi } from './jetstream-api.js';
import type { Link } from './link.js';
import type { NatsOptions } from './nats-options.js';
import { Provisioning } from './provisioning.js';

/** One connection and what is spoken over it; a new connection is a new session. */
export class Session {
  readonly provisioning: Provisioning;
  private readonly api: JetStreamApi;
  private isEnded = false;

  constructor(
    readonly link: Link,
    private readonly options: NatsOptions,
  ) {
    const { bus, clock, requestTimeoutMs: timeoutMs } = options;
    this.api = new JetStreamApi({ bus, link, clock, inbox: this.createInbox(), timeoutMs });
    this.provisioning = new Provisioning(this.api, options);
  }

  get isOpen(): boolean {
    return !this.isEnded;
  }

  createInbox(): string {
    return createInbox(this.options.access.inboxPrefix, this.options.random);
  }

  /** The connection is gone or about to go. */
  end(cause: AepError): void {
    this.isEnded = true;
    this.api.end(cause);
  }
}
