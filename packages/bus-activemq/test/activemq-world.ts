import type { BusDescription, Subscriber } from '@aep/bus';
import {
  type BusHarness,
  contractChannels,
  type HarnessTime,
  realTime,
  TestApp,
  type TestAppOptions,
} from '@aep/bus/contract';
import { ActiveMqProvider, type ActiveMqProviderOptions } from '@aep/bus-activemq';
import { AepError, FunctionLog, type Log, type LogLine, SeededRandom, SystemClock } from '@aep/kernel';

export interface ActiveMqWorldOptions {
  readonly port: number;
  readonly properties?: Record<string, string>;
  readonly channelProperties?: Record<string, Record<string, string>>;
  readonly provider?: ActiveMqProviderOptions;
}

let worlds = 0;

/** Apps on one real broker. Each world has a bus of its own name, so that worlds share a broker and nothing else. */
export class ActiveMqWorld implements BusHarness {
  readonly clock = new SystemClock();
  readonly random = new SeededRandom(1);
  readonly lines: LogLine[] = [];
  readonly log: Log = new FunctionLog((line) => this.lines.push(line));
  busName = `bus-${process.pid}-${++worlds}`;
  private readonly time: HarnessTime = realTime(this.clock);

  constructor(private readonly options: ActiveMqWorldOptions) {}

  makeApp(options: TestAppOptions): TestApp {
    return new TestApp(this, { log: this.log, ...options });
  }

  describeBus(roster: readonly Subscriber[]): BusDescription {
    const { port, properties = {}, channelProperties = {} } = this.options;
    return {
      name: this.busName,
      provider: 'activemq',
      address: '127.0.0.1',
      port,
      properties,
      channels: contractChannels.map((channel) => ({ ...channel, properties: channelProperties[channel.name] ?? {} })),
      roster,
    };
  }

  providerFor(): ActiveMqProvider {
    return new ActiveMqProvider(this.options.provider);
  }

  until(condition: () => boolean, what: string): Promise<void> {
    return this.time.until(condition, what);
  }

  pass(durationMs: number): Promise<void> {
    return this.time.pass(durationMs);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }

  /** Codes of the errors that were logged. */
  get loggedCodes(): string[] {
    return this.lines.flatMap(({ error }) => (error instanceof AepError ? [error.code] : []));
  }

  /** All that was logged, as one text. */
  get logText(): string {
    return this.lines.map((line) => `${line.level} ${line.message} ${JSON.stringify(line.facts)}`).join('\n');
  }
}
