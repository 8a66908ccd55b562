import type { BusDescription, Subscriber } from '@aep/bus';
import {
  type BusHarness,
  contractApps,
  contractChannels,
  type HarnessTime,
  TestApp,
  type TestAppOptions,
  virtualTime,
} from '@aep/bus/contract';
import { DirectProvider } from '@aep/bus-direct';
import { AepError, FunctionLog, type Log, type LogLine, SeededRandom, VirtualClock } from '@aep/kernel';
import { MemoryNetwork, type Network } from '@aep/net';
import { tapNetwork } from './tapped-network.js';

/** A direct bus on which app `a` listens at 127.0.0.1:5001, `b` at 5002 and so on, or at the ports given. */
export function describeDirectBus(
  roster: readonly Subscriber[],
  properties: Record<string, string> = {},
  ports: readonly number[] = [5001, 5002, 5003, 5004],
): BusDescription {
  const peers = Object.fromEntries(contractApps.map((app, index) => [`peer.${app}`, `127.0.0.1:${ports[index]!}`]));
  return {
    name: 'bus',
    provider: 'direct',
    address: '',
    port: 0,
    properties: { ...peers, ...properties },
    channels: contractChannels,
    roster,
  };
}

export interface DirectWorldOptions {
  /** Properties of the bus as one app has them; a secret may differ. */
  readonly properties?: (app: string) => Record<string, string>;
  readonly variables?: Record<string, string>;
  readonly seed?: number;
  readonly pieceBytesMax?: number;
  /** Gets each frame of connections between different apps. */
  readonly tap?: (line: string) => void;
}

/** Apps on one direct bus over a network in memory, with everything that a test may want to break. */
export class DirectWorld implements BusHarness {
  readonly clock = new VirtualClock();
  readonly network: MemoryNetwork;
  readonly random: SeededRandom;
  readonly log: Log;
  readonly lines: LogLine[] = [];
  private readonly time: HarnessTime;
  private app = '';

  constructor(private readonly options: DirectWorldOptions = {}) {
    this.random = new SeededRandom(options.seed ?? 1);
    const { clock } = this;
    const pieceBytesMax = options.pieceBytesMax ?? 65_536;
    this.network = new MemoryNetwork({
      clock,
      random: this.random.split(),
      delayMs: 0.1,
      jitterMs: 0.4,
      pieceBytesMax,
    });
    this.log = new FunctionLog((line) => this.lines.push(line));
    this.time = virtualTime(clock);
  }

  /** Its process is the node of the same name. */
  makeApp(options: TestAppOptions): TestApp {
    this.app = options.app;
    return new TestApp(this, { log: this.log, ...options });
  }

  describeBus(roster: readonly Subscriber[]): BusDescription {
    return describeDirectBus(roster, this.options.properties?.(this.app) ?? {});
  }

  providerFor(app: string): DirectProvider {
    const nonces = this.random.split();
    return new DirectProvider({
      network: this.networkOf(app),
      variables: this.options.variables ?? {},
      randomBytes: (count) => Uint8Array.from({ length: count }, () => nonces.below(256)),
    });
  }

  private networkOf(app: string): Network {
    const { tap } = this.options;
    const network = this.network.node(app);
    if (tap === undefined) return network;
    return tapNetwork(network, app, (line) => {
      // An app's connection to itself only repeats what the others show.
      if (line.charAt(0) !== line.charAt(4)) tap(line);
    });
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
