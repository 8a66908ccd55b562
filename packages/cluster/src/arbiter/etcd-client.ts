import { AepError, type Clock } from '@aep/kernel';
import { type Answer, unavailable } from './base-arbiter.js';
import type { EtcdHttp } from './etcd-http.js';

export interface EtcdClientOptions {
  readonly clock: Clock;
  readonly http: EtcdHttp;
  /** `http://host:port` or `https://host:port`, one or more. */
  readonly endpoints: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly requestTimeoutMs: number;
  /** For messages. */
  readonly where: string;
}

/** An answer of the gateway: parsed JSON that nobody has looked at yet. */
export type EtcdReply = Readonly<Record<string, unknown>>;

export interface EtcdStream {
  onReply(reply: EtcdReply): void;
  onEnd(error: AepError | undefined): void;
}

/** Answers are small; what is larger is not etcd's, or not ours. */
const REPLY_CHARACTERS_MAX = 1_000_000;

/**
 * etcd's HTTP/JSON gateway: one endpoint at a time, the next one after a failure. A request is never repeated here, because
 * one that got no answer may have been carried out; only a refused token is fetched anew, which changes nothing.
 */
export class EtcdClient {
  private endpoint = 0;
  private token: string | undefined;
  private readonly running = new Set<() => void>();

  constructor(private readonly options: EtcdClientOptions) {}

  call(path: string, body: object, answer: Answer<EtcdReply>): void {
    this.authorized((error) => {
      if (error !== undefined) answer(error);
      else this.post(path, body, answer, true);
    });
  }

  /** Answers a function that ends the stream without another call. */
  stream(path: string, body: object, stream: EtcdStream): () => void {
    let stop = (): void => {};
    let isStopped = false;
    this.authorized((error) => {
      if (isStopped) return;
      if (error !== undefined) stream.onEnd(error);
      else stop = this.open(path, body, stream);
    });
    return () => {
      isStopped = true;
      stop();
    };
  }

  close(): void {
    for (const stop of this.running) stop();
    this.running.clear();
    this.options.http.close();
  }

  private authorized(done: (error: AepError | undefined) => void): void {
    const { user, password } = this.options;
    if (user === undefined || this.token !== undefined) {
      done(undefined);
      return;
    }
    this.post(
      '/v3/auth/authenticate',
      { name: user, password: password ?? '' },
      (error, reply) => {
        const token = reply?.['token'];
        if (typeof token === 'string') this.token = token;
        done(error);
      },
      false,
    );
  }

  // oxlint-disable-next-line max-params -- private, and two of them are the request
  private post(path: string, body: object, answer: Answer<EtcdReply>, mayAuthorize: boolean): void {
    let text = '';
    const { clock, where, requestTimeoutMs } = this.options;
    const deadline = clock.schedule(requestTimeoutMs, () => {
      stop();
      this.nextEndpoint();
      answer(unavailable(where, `${path} was not answered within ${requestTimeoutMs} ms`));
    });
    const stop = this.exchange(path, body, {
      onText: (more) => {
        text += more;
        return text.length <= REPLY_CHARACTERS_MAX;
      },
      onEnd: (error, status) => {
        clock.cancel(deadline);
        const reply = error === undefined ? parseReply(text) : undefined;
        if (isTokenRefused(status, reply) && mayAuthorize && this.token !== undefined) {
          this.token = undefined;
          this.authorized((refused) => {
            if (refused !== undefined) answer(refused);
            else this.post(path, body, answer, false);
          });
        } else answer(error ?? this.problem(status, reply), reply);
      },
    });
  }

  /** The gateway sends one JSON object per line. */
  private open(path: string, body: object, stream: EtcdStream): () => void {
    let text = '';
    return this.exchange(path, body, {
      onText: (more) => {
        text += more;
        for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
          const reply = parseReply(text.slice(0, end));
          text = text.slice(end + 1);
          if (reply !== undefined) stream.onReply(reply);
        }
        return text.length <= REPLY_CHARACTERS_MAX;
      },
      onEnd: (error, status) => {
        // The stream will be opened again, and the token may be what ended it.
        if (status === 401) this.token = undefined;
        stream.onEnd(error ?? this.problem(status, parseReply(text)));
      },
    });
  }

  /** One HTTP exchange, remembered until its end; `onText` answers whether it may go on. */
  private exchange(
    path: string,
    body: object,
    handler: { onText(text: string): boolean; onEnd(error: AepError | undefined, status: number): void },
  ): () => void {
    const { http, where, endpoints } = this.options;
    const url = `${endpoints[this.endpoint]!}${path}`;
    const headers: Record<string, string> = this.token === undefined ? {} : { authorization: this.token };
    let status = 0;
    const end = (error: AepError | undefined): void => {
      this.running.delete(stop);
      if (error !== undefined) this.nextEndpoint();
      handler.onEnd(error, status);
    };
    const cancel = http.post(url, JSON.stringify(body), headers, {
      onStatus: (code) => (status = code),
      onText: (text) => {
        if (handler.onText(text)) return;
        stop();
        end(unavailable(where, `${path} was answered with more than ${REPLY_CHARACTERS_MAX} characters`));
      },
      onEnd: (error) => end(error === undefined ? undefined : unavailable(where, error.message, error)),
    });
    const stop = (): void => {
      this.running.delete(stop);
      cancel();
    };
    this.running.add(stop);
    return stop;
  }

  private problem(status: number, reply: EtcdReply | undefined): AepError | undefined {
    if (status === 200 && reply !== undefined && reply['error'] === undefined) return undefined;
    const { where } = this.options;
    const said = status === 200 && reply === undefined ? 'and no JSON object' : messageOf(reply);
    if (
      status === 401 ||
      status === 403 ||
      /permission denied|authentication failed|invalid auth|user name is empty|user name not found/i.test(said)
    )
      return refused(where, said);
    this.nextEndpoint();
    return unavailable(where, `it answered with status ${status} ${said}`.trim());
  }

  private nextEndpoint(): void {
    this.endpoint = (this.endpoint + 1) % this.options.endpoints.length;
  }
}

/** The text of an error as etcd says it, bounded. */
export function messageOf(reply: EtcdReply | undefined): string {
  const said = reply?.['message'] ?? reply?.['error'];
  return (typeof said === 'string' ? said : said === undefined ? '' : JSON.stringify(said)).slice(0, 200);
}

function parseReply(text: string): EtcdReply | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as EtcdReply) : undefined;
  } catch {
    return undefined;
  }
}

function isTokenRefused(status: number, reply: EtcdReply | undefined): boolean {
  return status === 401 || /invalid auth token/i.test(messageOf(reply));
}

function refused(where: string, said: string): AepError {
  return new AepError(
    'AEP_ARBITER_REFUSED',
    'reject',
    `etcd at ${where} refuses this member: ${said || 'no reason given'}; check user, password and the permissions on the prefix`,
    { where },
  );
}
