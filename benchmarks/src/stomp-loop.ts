import { StompConnection, type StompFrame } from '@aep/bus-activemq/internal';
import { SystemClock } from '@aep/kernel';
import { TcpNetwork } from '@aep/net';

/** As the bus has them by default. */
const BATCH = 1000;
const COMMITS_IN_FLIGHT = 2;
const PREFETCH = 2000;
const LIMITS = { headBytesMax: 65_536, headerCountMax: 256, bodyBytesMax: 1 << 20 };

/**
 * What engines over ActiveMQ are measured against: the STOMP client alone. It publishes in transactions of the broker, two on their way,
 * consumes, and acknowledges each message: the same frames to the same kind of destination, without keys, metadata, journals, dedupe,
 * views or state.
 */
export class StompLoop {
  private readonly head: string;
  private published = 0;
  private committed = 0;
  private consumed = 0;
  private onProgress: () => void = () => undefined;

  private constructor(
    private readonly publisher: StompConnection,
    topic: string,
  ) {
    this.head = `SEND\ndestination:/topic/${topic}\npersistent:true\n`;
  }

  static async open(port: number, name: string): Promise<StompLoop> {
    const topic = `VirtualTopic.${name}`;
    const publisher = await connect(port, () => undefined);
    const loop = new StompLoop(publisher, topic);
    const consumer = await connect(port, ({ headers }) => {
      consumer.send('ACK', { id: headers['ack']! });
      loop.consumed++;
      loop.onProgress();
    });
    await new Promise<void>((resolve) => {
      consumer.send('SUBSCRIBE', {
        id: '1',
        destination: `/queue/Consumer.taker.${topic}`,
        ack: 'client-individual',
        'activemq.prefetchSize': String(PREFETCH),
        'activemq.exclusive': 'true',
        receipt: consumer.expectReceipt(resolve),
      });
    });
    return loop;
  }

  /** Messages per second, from the first that is published to the last that is consumed and whose receipt has come. */
  async saturate(bodies: readonly Uint8Array[], count: number): Promise<number> {
    const startedMs = performance.now();
    const first = this.published;
    const total = first + count;
    let open = 0;
    const pump = (): void => {
      while (open < COMMITS_IN_FLIGHT && this.published < total) {
        const batch = Math.min(BATCH, total - this.published);
        open++;
        this.publish(bodies, batch, () => {
          open--;
          this.committed += batch;
          pump();
          this.onProgress();
        });
      }
    };
    await this.untilProgress(pump, () => this.consumed === total && this.committed === total);
    return (count / (performance.now() - startedMs)) * 1000;
  }

  /** Milliseconds from the publishing of one message to its arrival. */
  async roundTrip(body: Uint8Array): Promise<number> {
    const startedMs = performance.now();
    const before = this.consumed;
    let tookMs = 0;
    const isDone = (): boolean => this.consumed > before && this.committed === this.published;
    await this.untilProgress(
      () => this.publish([body], 1, () => (this.committed++, this.onProgress())),
      () => {
        if (this.consumed > before && tookMs === 0) tookMs = performance.now() - startedMs;
        return isDone();
      },
    );
    return tookMs;
  }

  close(): void {
    this.publisher.close();
  }

  private untilProgress(begin: () => void, isDone: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.onProgress = () => {
        if (isDone()) resolve();
      };
      begin();
    });
  }

  private publish(bodies: readonly Uint8Array[], count: number, onReceipt: () => void): void {
    const { publisher } = this;
    const receipt = publisher.expectReceipt(onReceipt);
    if (count > 1) publisher.send('BEGIN', { transaction: receipt });
    const line = count > 1 ? `transaction:${receipt}` : `receipt:${receipt}`;
    for (let left = count; left > 0; left--) {
      const body = bodies[this.published++ % bodies.length]!;
      publisher.sendRaw(`${this.head}${line}\ncontent-length:${body.length}\n\n`, body, 0, body.length);
    }
    if (count > 1) publisher.send('COMMIT', { transaction: receipt, receipt });
    publisher.flush();
  }
}

function connect(port: number, onMessage: (frame: StompFrame) => void): Promise<StompConnection> {
  return new Promise((resolve, reject) => {
    const connection = new StompConnection(
      { clock: new SystemClock(), host: 'localhost', heartbeatMs: 0, connectMs: 10_000, limits: LIMITS },
      {
        onConnected: resolve,
        onMessage: (_connection, frame) => onMessage(frame),
        onRoom: () => undefined,
        onEnded: (_connection, cause) => reject(cause),
        onSettled: () => undefined,
      },
    );
    connection.attach(new TcpNetwork().connect({ host: '127.0.0.1', port }, connection));
  });
}
