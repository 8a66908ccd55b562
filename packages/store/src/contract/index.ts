import { describe, it } from 'node:test';
import type { StoreCapabilities, StoreHarness } from './harness.js';
import { journalCases } from './journal-contract.js';
import { makerCases, type StoreMakerHarness } from './maker-contract.js';
import { tablesCases } from './tables-contract.js';

export { Marks, type StoreCapabilities, type StoreHarness } from './harness.js';
export type { StoreMakerHarness } from './maker-contract.js';
export { encodable, type SampleChange, SampleRecords } from './sample-records.js';

export interface ContractCase {
  readonly name: string;
  readonly needs?: keyof StoreCapabilities;
  run(harness: StoreHarness): Promise<void>;
}

/**
 * Registers the tests that every store must pass: journal, tables, recovery, trimming, epoch, failures. Cases whose
 * need is not in the manifest are left out.
 *
 * @param makeHarness called once per test
 */
export function storeContract(
  name: string,
  supports: StoreCapabilities,
  makeHarness: () => Promise<StoreHarness>,
): void {
  describe(`store contract: ${name}`, () => {
    for (const contractCase of [...journalCases, ...tablesCases]) {
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

/**
 * Registers the tests that every maker of stores must pass: bases, copies and their interruption, identities.
 *
 * @param makeHarness called once per test
 */
export function storeMakerContract(name: string, makeHarness: () => Promise<StoreMakerHarness>): void {
  describe(`store maker contract: ${name}`, () => {
    for (const makerCase of makerCases) {
      void it(makerCase.name, async () => {
        const harness = await makeHarness();
        try {
          await makerCase.run(harness);
        } finally {
          await harness.dispose();
        }
      });
    }
  });
}
