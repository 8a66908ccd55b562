import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';

/** As many as the bus has on their way by default. */
const IN_FLIGHT = 1024;

/**
 * - `jetstream`: the client's own `publish` of JetStream, a promise for each message.
 * - `plain`: a plain publish with a reply subject, answered at one subscription: the least that the client can be made to do.
 */
export type PublishStyle = 'jetstream' | 'plain';

/**
 * What engines over NATS are measured against: the NATS project's client alone. It publishes into a stream of the same settings with a
 * message id, so many at a time, consumes from a durable consumer and acknowledges each message; without keys, metadata, order over
 * refusals, journals, dedupe, views or state.
 */
export class NatsLoop {
  private published = 0;
  private stored = 0;
  private consumed = 0;
  private onProgress: () => void = () => undefined;
  private onRoom: () => void = () => undefined;

  private constructor(
    private readonly connections: readonly [publisher: NatsConnection, consumer: NatsConnection],
    private readonly client: JetStreamClient,
    private readonly style: PublishStyle,
  ) {
    connections[0].subscribe(`answers.${style}`, { callback: () => this.onStored() });
  }

  static async open(port: number, style: PublishStyle): Promise<NatsLoop> {
    const servers = `127.0.0.1:${port}`;
    const connections = [await connect({ servers }), await connect({ servers })] as const;
    const manager = await jetstreamManager(connections[0]);
    await manager.streams.add({
      name: style,
      subjects: [`bare.${style}.>`],
      retention: 'interest',
      storage: 'file',
      discard: 'new',
      max_bytes: 1 << 30,
    });
    await manager.consumers.add(style, { durable_name: 'taker', ack_policy: 'explicit', max_ack_pending: 8192 });
    const loop = new NatsLoop(connections, jetstream(connections[0]), style);
    const consumer = await jetstream(connections[1]).consumers.get(style, 'taker');
    await consumer.consume({
      max_messages: IN_FLIGHT,
      callback: (message) => {
        message.ack();
        loop.consumed++;
        loop.onProgress();
      },
    });
    return loop;
  }

  /** Messages per second, from the first that is published to the last that is stored, consumed and acknowledged. */
  async saturate(bodies: readonly Uint8Array[], count: number): Promise<number> {
    const startedMs = performance.now();
    const total = this.published + count;
    await this.untilProgress(
      () => this.pump(bodies, total),
      () => this.consumed === total && this.stored === total,
    );
    for (const connection of this.connections) await connection.flush();
    return (count / (performance.now() - startedMs)) * 1000;
  }

  /** Milliseconds from the publishing of one message to its arrival. */
  async roundTrip(body: Uint8Array): Promise<number> {
    const startedMs = performance.now();
    const total = this.published + 1;
    let tookMs = 0;
    await this.untilProgress(
      () => this.pump([body], total),
      () => {
        if (this.consumed === total && tookMs === 0) tookMs = performance.now() - startedMs;
        return this.consumed === total && this.stored === total;
      },
    );
    return tookMs;
  }

  async close(): Promise<void> {
    for (const connection of this.connections) await connection.close();
  }

  private pump(bodies: readonly Uint8Array[], total: number): void {
    this.onRoom = () => this.pump(bodies, total);
    while (this.published < total && this.published - this.stored < IN_FLIGHT) {
      const number = this.published++;
      this.publish(bodies[number % bodies.length]!, `bare.${number}`);
    }
  }

  private publish(body: Uint8Array, msgID: string): void {
    const subject = `bare.${this.style}.orders`;
    if (this.style === 'jetstream') {
      void this.client.publish(subject, body, { msgID }).then(() => this.onStored());
      return;
    }
    const head = headers();
    head.set('Nats-Msg-Id', msgID);
    this.connections[0].publish(subject, body, { headers: head, reply: `answers.${this.style}` });
  }

  private onStored(): void {
    this.stored++;
    this.onRoom();
    this.onProgress();
  }

  private untilProgress(begin: () => void, isDone: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.onProgress = () => {
        if (isDone()) resolve();
      };
      begin();
    });
  }
}
