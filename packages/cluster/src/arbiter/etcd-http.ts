import { Agent as HttpAgent, type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { StringDecoder } from 'node:string_decoder';

/** How one exchange with etcd's gateway goes on; `onEnd` comes last, once, with an error when the exchange broke. */
export interface EtcdExchange {
  onStatus(status: number): void;
  onText(text: string): void;
  onEnd(error: Error | undefined): void;
}

/** The way to etcd's HTTP/JSON gateway; a port, so that tests can put a bad network in its place. */
export interface EtcdHttp {
  /** Posts JSON; the answer may be a stream without end. Answers a function that ends the exchange without another call. Calls nothing from inside. */
  post(url: string, body: string, headers: Readonly<Record<string, string>>, exchange: EtcdExchange): () => void;
  close(): void;
}

/** PEM texts. */
export interface EtcdTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const HEADER_BYTES_MAX = 16_384;
const KEEP_ALIVE_MS = 10_000;

/** Node's own client. `fetch` would do for plain HTTP, but it takes no client certificate and no authority of one's own. */
export class NodeEtcdHttp implements EtcdHttp {
  private readonly plain = new HttpAgent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: 16 });
  private readonly secure: HttpsAgent;

  constructor(tls: EtcdTls = {}) {
    this.secure = new HttpsAgent({
      ...tls,
      minVersion: 'TLSv1.2',
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_MS,
      maxSockets: 16,
    });
  }

  // oxlint-disable-next-line max-params -- the port's
  post(url: string, body: string, headers: Readonly<Record<string, string>>, exchange: EtcdExchange): () => void {
    const options: RequestOptions = {
      method: 'POST',
      maxHeaderSize: HEADER_BYTES_MAX,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    };
    const ending = new Ending(exchange);
    const request = url.startsWith('https:')
      ? httpsRequest(url, { ...options, agent: this.secure })
      : httpRequest(url, { ...options, agent: this.plain });
    listen(request, exchange, ending);
    request.end(body);
    return () => {
      ending.cancel();
      request.destroy();
    };
  }

  close(): void {
    this.plain.destroy();
    this.secure.destroy();
  }
}

/** Several events tell the end of an exchange; only the first counts, and none after a cancellation. */
class Ending {
  private hasEnded = false;

  constructor(private readonly exchange: EtcdExchange) {}

  get isOver(): boolean {
    return this.hasEnded;
  }

  cancel(): void {
    this.hasEnded = true;
  }

  end(error: Error | undefined): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.exchange.onEnd(error);
  }
}

function listen(request: ClientRequest, exchange: EtcdExchange, ending: Ending): void {
  request.setNoDelay(true);
  // A half-open connection under a watch would never be noticed otherwise.
  request.setSocketKeepAlive(true, KEEP_ALIVE_MS);
  request.on('error', (error) => ending.end(error));
  request.on('response', (response) => {
    const decoder = new StringDecoder('utf8');
    if (!ending.isOver) exchange.onStatus(response.statusCode ?? 0);
    response.on('data', (chunk: Buffer) => {
      if (!ending.isOver) exchange.onText(decoder.write(chunk));
    });
    response.on('end', () => ending.end(undefined));
    response.on('error', (error) => ending.end(error));
    response.on('close', () => ending.end(new Error('the connection was closed before the answer had ended')));
  });
}
