import type { BusDescription, BusProvider, Subscriber } from '@aep/bus';
import { type BusHarness, contractChannels, realTime, TestApp, type TestAppOptions } from '@aep/bus/contract';
import { NatsProvider } from '@aep/bus-nats';
import type { BrokerProcess } from '@aep/brokers';
import { FunctionLog, type Log, type LogLine, SeededRandom, SystemClock } from '@aep/kernel';
import { connect, type NatsConnection } from '@nats-io/transport-node';

export interface NatsWorldOptions {
  /** Where the apps connect to. @default the broker's port */
  readonly port?: number;
  readonly properties?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly provider?: BusProvider;
}

export interface ConsumerInfo {
  readonly name: string;
  readonly num_ack_pending: number;
  readonly delivered: { readonly consumer_seq: number };
}

let nextBus = 1;

/** Apps on a bus of their own at a real server. */
export class NatsWorld implements BusHarness {
  readonly random = new SeededRandom(7);
  readonly lines: LogLine[] = [];
  readonly log: Log = new FunctionLog((line) => this.lines.push(line));
  readonly name = `bus-${process.pid}-${nextBus++}`;
  readonly clock = new SystemClock();
  private readonly time = realTime(this.clock);
  private readonly apps: TestApp[] = [];
  private isDirect = false;
  private readonly provider: BusProvider;

  constructor(
    private readonly broker: BrokerProcess,
    private readonly options: NatsWorldOptions = {},
  ) {
    this.provider = options.provider ?? new NatsProvider({ variables: options.variables ?? {} });
  }

  /** Its log is the world's. */
  app(options: TestAppOptions): TestApp {
    const app = new TestApp(this, { log: this.log, ...options });
    this.apps.push(app);
    return app;
  }

  /** An app past the proxy, at the broker itself. */
  direct(options: TestAppOptions): TestApp {
    this.isDirect = true;
    try {
      return this.app(options);
    } finally {
      this.isDirect = false;
    }
  }

  providerFor(): BusProvider {
    return this.provider;
  }

  describeBus(roster: readonly Subscriber[]): BusDescription {
    return {
      name: this.name,
      provider: 'nats',
      address: '127.0.0.1',
      port: this.isDirect ? this.broker.port : (this.options.port ?? this.broker.port),
      properties: { reconnectMinMs: '10', reconnectMaxMs: '200', ...this.options.properties },
      channels: contractChannels,
      roster,
    };
  }

  /** The names of a channel on the server. */
  streamOf(channel: string): string {
    return `${this.name}~${channel}`;
  }

  subjectOf(channel: string): string {
    return `${this.name}.${channel}`;
  }

  /** The durable consumer that an app has at the moment. */
  async consumerInfo(client: NatsConnection, channel: string, app: string): Promise<ConsumerInfo> {
    for (const name of [app, `${app}~2`]) {
      const reply = await client.request(`$JS.API.CONSUMER.INFO.${this.streamOf(channel)}.${name}`);
      const info = reply.json<ConsumerInfo | { error: unknown }>();
      if (!('error' in info)) return info;
    }
    throw new Error(`${app} has no consumer of ${channel}`);
  }

  /** Takes deliveries away from an app, as a second process of the same name would. */
  async steal(client: NatsConnection, channel: string, app: string, batch: number): Promise<void> {
    const { name } = await this.consumerInfo(client, channel, app);
    const stolen = client.subscribe('somewhere.else', { max: batch });
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.streamOf(channel)}.${name}`;
    client.publish(subject, JSON.stringify({ batch, expires: 50_000_000 }), { reply: 'somewhere.else' });
    await client.flush();
    await this.pass(20);
    stolen.unsubscribe();
  }

  /** A client that is not ours. */
  stranger(): Promise<NatsConnection> {
    return connect({ servers: `127.0.0.1:${this.broker.port}` });
  }

  until(condition: () => boolean, what: string): Promise<void> {
    return this.time.until(condition, what);
  }

  pass(durationMs: number): Promise<void> {
    return this.time.pass(durationMs);
  }

  async dispose(): Promise<void> {
    for (const app of this.apps) await app.close();
  }

  get logText(): string {
    return this.lines
      .map((line) => `${line.level} ${line.message} ${JSON.stringify(line.facts)} ${String(line.error)}`)
      .join('\n');
  }
}
