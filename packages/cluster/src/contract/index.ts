import { describe, it } from 'node:test';
import { type ArbiterCapabilities, arbiterCases, type ArbiterHarness } from './arbiter-contract.js';

export type { ArbiterCapabilities, ArbiterHarness } from './arbiter-contract.js';

/**
 * Registers the tests that every arbiter must pass: swaps, watches, presence, outages, the end. Cases whose need is not in
 * the manifest are left out.
 *
 * @param makeHarness called once per test
 */
export function arbiterContract(
  name: string,
  supports: ArbiterCapabilities,
  makeHarness: () => Promise<ArbiterHarness>,
): void {
  describe(`arbiter contract: ${name}`, () => {
    for (const contractCase of arbiterCases) {
      if (contractCase.needs !== undefined && !supports[contractCase.needs]) continue;
      void it(contractCase.name, async () => {
        const harness = await makeHarness();
        try {
          await contractCase.run(harness);
        } finally {
          await harness.dispose();
        }
      });
    }
  });
}
