import { describe } from 'node:test';
import type { BusCapabilities } from '../binding-contract.js';
import { backPressureContract } from './back-pressure-contract.js';
import { closeContract } from './close-contract.js';
import { deliveryContract } from './delivery-contract.js';
import type { BusHarness, BusHarnessFactory } from './harness.js';
import { redeliveryContract } from './redelivery-contract.js';
import { TestApp, type TestAppOptions } from './test-app.js';

/** A world and the apps in it, which are closed when the test ends. */
export class Scenario {
  private readonly apps: TestApp[] = [];

  constructor(readonly harness: BusHarness) {}

  app(options: TestAppOptions): TestApp {
    const app = new TestApp(this.harness, options);
    this.apps.push(app);
    return app;
  }

  until(condition: () => boolean, what: string): Promise<void> {
    return this.harness.until(condition, what);
  }

  async end(): Promise<void> {
    for (const app of this.apps) await app.close();
    await this.harness.dispose();
  }
}

export type ScenarioTest = (body: (scenario: Scenario) => Promise<void>) => () => Promise<void>;

/**
 * The behaviour that every bus owes its engine (E90–E93), as tests for `node:test`. What the provider does not declare in its
 * capabilities is left out, and where a broker has custody a confirmation says that the broker has the message, not its subscribers.
 *
 * @param factory a fresh world per test
 */
export function busContract(name: string, supports: BusCapabilities, factory: BusHarnessFactory): void {
  const test: ScenarioTest = (body) => async () => {
    const scenario = new Scenario(await factory());
    try {
      await body(scenario);
    } finally {
      await scenario.end();
    }
  };
  describe(`bus contract: ${name}`, () => {
    deliveryContract(test, supports);
    backPressureContract(test, supports);
    redeliveryContract(test, supports);
    closeContract(test, supports);
  });
}
