import { readFileSync } from 'node:fs';
import { AepError, type Clock, toError } from '@aep/kernel';
import type { BusDescription } from '@aep/bus';
import {
  connect,
  type ConnectionOptions,
  credsAuthenticator,
  errors,
  type Msg,
  type MsgHdrs,
  MsgImpl,
  type NatsConnection,
  type PublishOptions as ClientPublishOptions,
} from '@nats-io/transport-node';
import type { Access } from './access.js';
import type { Connector, Link, LinkEvents, LinkInfo, LinkMessage, PublishOptions } from './link.js';
import { natsError } from './nats-errors.js';

const PINGS_UNANSWERED_MAX = 2;

/** Connections of the NATS project's own client. It does not reconnect by itself: the binding decides when and what then. */
export class ClientConnector implements Connector {
  constructor(
    private readonly bus: BusDescription,
    private readonly access: Access,
    private readonly clock: Clock,
  ) {}

  connect(events: LinkEvents, done: (error: AepError | undefined, link: Link | undefined) => void): void {
    const answer = (error: AepError | undefined, link?: Link): void => this.clock.defer(() => done(error, link));
    this.dial().then(
      (connection) => answer(undefined, new ClientLink(connection, events, this.bus, this.clock)),
      (error: unknown) => answer(connectFailed(this.bus, this.access, error)),
    );
  }

  private async dial(): Promise<NatsConnection> {
    return await connect(clientOptions(this.access));
  }
}

function clientOptions(access: Access): ConnectionOptions {
  const { credentials, tls } = access;
  return {
    servers: [...access.servers],
    name: access.clientName,
    reconnect: false,
    // The addresses of the model are the addresses.
    ignoreClusterUpdates: true,
    timeout: access.connectTimeoutMs,
    pingInterval: access.pingMs,
    maxPingOut: PINGS_UNANSWERED_MAX,
    inboxPrefix: access.inboxPrefix,
    ...(credentials.kind === 'password' ? { user: credentials.user, pass: credentials.password } : {}),
    ...(credentials.kind === 'token' ? { token: credentials.token } : {}),
    ...(credentials.kind === 'file' ? { authenticator: credsAuthenticator(readFileSync(credentials.file)) } : {}),
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
  };
}

function tlsOptions({ caFile, certFile, keyFile }: NonNullable<Access['tls']>): NonNullable<ConnectionOptions['tls']> {
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
}

class ClientLink implements Link {
  readonly info: LinkInfo;
  private isClosing = false;
  private lastError: Error | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly events: LinkEvents,
    private readonly bus: BusDescription,
    private readonly clock: Clock,
  ) {
    const { info } = connection;
    this.info = {
      server: connection.getServer(),
      version: info?.version ?? '',
      payloadBytesMax: info?.max_payload ?? 0,
      hasJetStream: info?.jetstream === true,
    };
    void this.watchStatus();
    void connection.closed().then((error) => this.onClosed(error ?? undefined));
  }

  publish(subject: string, data: Uint8Array, { reply, head }: PublishOptions = {}): void {
    // The client throws once it has closed; that it has is told by `onClosed`.
    if (this.connection.isClosed()) return;
    const options: ClientPublishOptions = {};
    if (reply !== undefined) options.reply = reply;
    if (head !== undefined) options.headers = new EncodedHead(head) as unknown as MsgHdrs;
    this.connection.publish(subject, data, options);
  }

  subscribe(subject: string, onMessage: (message: LinkMessage) => void): () => void {
    const callback = (error: Error | null, message: Msg): void => {
      if (error !== null) return this.onError(error);
      try {
        onMessage(linkMessage(message));
      } catch (thrown) {
        // The client would print it and read no more; thrown from here it ends the process as every broken invariant does.
        this.clock.defer(() => {
          throw toError(thrown);
        });
      }
    };
    const subscription = this.connection.subscribe(subject, { callback });
    return () => {
      if (!this.connection.isClosed()) subscription.unsubscribe();
    };
  }

  async flush(): Promise<void> {
    // A connection that is lost meanwhile is told of by `onClosed`.
    await this.connection.flush().catch(() => undefined);
  }

  close(done: () => void): void {
    this.isClosing = true;
    const end = (): void => this.clock.defer(done);
    this.flush()
      .then(() => this.connection.close())
      .then(end, end);
  }

  private async watchStatus(): Promise<void> {
    for await (const status of this.connection.status()) if (status.type === 'error') this.onError(status.error);
  }

  private onError(error: Error): void {
    this.lastError = error;
    if (this.isClosing || !(error instanceof errors.PermissionViolationError)) return;
    const { operation, subject } = error;
    const why = `the server does not let this user ${operation === 'publish' ? 'publish to' : 'subscribe to'} ${subject}: grant it, or take another user`;
    this.clock.defer(() => this.events.onRefused(natsError('AEP_NATS_PERMISSION', this.bus, why)));
  }

  private onClosed(error: Error | undefined): void {
    if (this.isClosing) return;
    const cause = error ?? this.lastError;
    const why = `the connection to ${this.info.server} was lost${cause === undefined ? '' : `: ${cause.message}`}`;
    this.clock.defer(() => this.events.onClosed(natsError('AEP_NATS_LOST', this.bus, why, cause)));
  }
}

/** A header block that is encoded already; the client asks its headers for nothing else. */
class EncodedHead {
  constructor(private readonly head: Uint8Array) {}

  encode(): Uint8Array {
    return this.head;
  }
}

/** With the header block as it came: the client's own decoding makes a map of every message. */
function linkMessage(message: Msg): LinkMessage {
  const { _msg, _rdata } = message as MsgImpl;
  const head = _msg.hdr > 0 ? _rdata.subarray(0, _msg.hdr) : undefined;
  return { subject: message.subject, reply: message.reply ?? '', head, data: message.data };
}

const REFUSING_MESSAGES = /authorization violation|authentication|credentials/i;
const TLS_CODES = /^(?:ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL|HOSTNAME_MISMATCH)/;

/** What the client's error means, and what to do. Secrets are in none of its messages. */
function connectFailed(bus: BusDescription, access: Access, thrown: unknown): AepError {
  const error = toError(thrown);
  const servers = access.servers.join(', ');
  const { code = '' } = (error.cause ?? error) as NodeJS.ErrnoException;
  if (isRefusal(error)) {
    const given = {
      none: 'no credentials',
      password: 'a user and password',
      token: 'a token',
      file: 'a credentials file',
    };
    const why = `${servers} does not let us in with ${given[access.credentials.kind]}: check "user", "password", "token" or "credsFile"`;
    return natsError('AEP_NATS_CREDENTIALS', bus, why, error);
  }
  if (TLS_CODES.test(code) || /\btls\b|certificate|SSL routines/i.test(error.message)) {
    return natsError('AEP_NATS_TLS', bus, `no TLS connection to ${servers}: ${error.message}`, error);
  }
  if (code === 'ENOENT' || code === 'EACCES') {
    return natsError('AEP_NATS_CREDENTIALS', bus, `a file cannot be read: ${error.message}`, error);
  }
  return natsError('AEP_NATS_UNREACHABLE', bus, `no connection to ${servers}: ${error.message}`, error);
}

function isRefusal(error: Error): boolean {
  return (
    error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError ||
    REFUSING_MESSAGES.test(error.message)
  );
}
