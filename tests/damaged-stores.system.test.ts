import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { tryDamages } from './src/storage/damaged-stores.js';
import { flipEntries, switchCheckOff } from './src/storage/flipped-entries.js';

/** `AEP_DAMAGES` raises it. */
const CASES = Number(process.env['AEP_DAMAGES'] ?? 40);
const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);

test('bits that flip and pages that are zero, old or of elsewhere while a store is closed: it is refused, or serves what is right, or what is wrong in the tables is found by a verification (S5)', async (context) => {
  const { outcomes, wrong } = await tryDamages(SEED, CASES);
  const counts = [...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
  context.diagnostic(`numbers: ${CASES} damaged stores, seed ${SEED} (AEP_SEED, AEP_DAMAGES): ${counts}`);
  assert.deepEqual(wrong, []);
  assert.ok(outcomes.size > 2, 'damages of one kind only');
});

test('each flipped bit of a value in the tables is refused by whoever reads it, and never served (S5)', async (context) => {
  const { flips, refused, served } = await flipEntries();
  context.diagnostic(`numbers: ${flips} flipped bits in values of tables, ${served} served`);
  assert.ok(flips > 100);
  assert.deepEqual({ refused, served }, { refused: { lookups: flips, scans: flips }, served: 0 });
});

test('with the check of entries switched off, each flipped bit is served: the test above would notice', async () => {
  const switchOn = await switchCheckOff();
  try {
    const { flips, served } = await flipEntries();
    assert.equal(served, flips);
  } finally {
    switchOn();
  }
});
