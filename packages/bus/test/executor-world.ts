import { type BusHarness, type HarnessTime, TestApp, type TestAppOptions } from '@aep/bus/contract';
import type { BusDescription, BusProvider } from '@aep/bus';
import { SeededRandom } from '@aep/kernel';

/** An app with an executor bus: channel `tasks` (Guaranteed), `hints` (BestEffort), results on `results`. */
export class ExecutorWorld implements BusHarness {
  readonly random = new SeededRandom(1);

  constructor(
    private readonly time: HarnessTime,
    private readonly provider: BusProvider,
    private readonly properties: Record<string, string> = {},
  ) {}

  get clock() {
    return this.time.clock;
  }

  makeApp(options: Partial<TestAppOptions> = {}): TestApp {
    return new TestApp(this, { app: 'a', roster: [], ...options });
  }

  providerFor(): BusProvider {
    return this.provider;
  }

  describeBus(): BusDescription {
    return {
      name: 'work',
      provider: 'executor',
      address: '',
      port: 0,
      properties: { module: './tasks.js#upperCase', retryMs: '10', ...this.properties },
      channels: [
        { name: 'tasks', id: 1, qos: 'Guaranteed', properties: { replyChannel: 'results' } },
        { name: 'hints', id: 2, qos: 'BestEffort', properties: { replyChannel: 'results' } },
        { name: 'results', id: 3, qos: 'Guaranteed', properties: {} },
      ],
      roster: [],
    };
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
}
