import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { rejectedLines, summariseLedger, summariseOrders, toJson } from '@aep/example-orders';
import { foldCsv } from './independent-fold.js';
import { ThreeEngines } from './three-engines.js';

const SAMPLE = fileURLToPath(new URL('../../sample.csv', import.meta.url));

test('the three apps come to what an independent reading of the sample gives', async (context) => {
  const engines = new ThreeEngines(SAMPLE);
  context.after(() => engines.stop());
  await engines.start();
  await engines.finish();
  assert.deepEqual(summaryOf(engines), foldCsv(readFileSync(SAMPLE)));
  assert.equal(
    engines.gateway.read((journal) => rejectedLines(journal).length),
    13,
  );
});

test('a second run over the same input changes nothing and recognises every line', async (context) => {
  const first = new ThreeEngines(SAMPLE);
  context.after(() => first.stop());
  await first.start();
  await first.finish();
  const summary = summaryOf(first);
  await first.stop();
  const stores = new Map([...first.stores].map(([name, store]) => [name, store.crash()]));
  const second = new ThreeEngines(SAMPLE, stores);
  context.after(() => second.stop());
  await second.start();
  await second.finish();
  assert.deepEqual(summaryOf(second), summary);
  assert.equal(second.app.reading.duplicates, second.app.reading.entries);
});

function summaryOf({ gateway, processor, ledger }: ThreeEngines): unknown {
  const orders = processor.read((book) => summariseOrders(book));
  const rejected = gateway.read((journal) => journal.rejected);
  return JSON.parse(toJson({ ...orders, ledger: ledger.read((book) => summariseLedger(book)), rejected }));
}
