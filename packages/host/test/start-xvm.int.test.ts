import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startXvm } from '@aep/host';
import { boardTotal, idle, sale, shopModel, temporaryDir, testDir, tillTotal } from './shop.js';
import { silentLog } from '@aep/kernel';

test('an XML model runs two apps on loopback and LMDB; stopped and started again, their state is still there', async (context) => {
  const options = { model: shopModel(), modelDir: testDir, dataDir: temporaryDir(context), log: silentLog };
  const first = await startXvm(options);
  assert.equal(first.name, 'shop-xvm');
  assert.equal(first.state, 'started');
  for (let amount = 1; amount <= 3; amount++) await first.engine('till').inject(sale('tea', amount));
  await first.engine('till').inject(sale('coffee', 5, 'JP'));
  await idle(first);
  assert.equal(tillTotal(first, 'tea'), 15, 'amount times the injected price, and the bonus of env');
  assert.equal(boardTotal(first, 'tea'), 15);
  assert.equal(boardTotal(first, 'coffee'), 0, 'the filter of the board lets only EU and US through');
  const report = await first.stop();
  assert.equal(report.drained, true);
  assert.deepEqual(report.heldBy, {});
  assert.equal(first.state, 'stopped');

  const second = await startXvm(options);
  assert.equal(tillTotal(second, 'tea'), 15);
  assert.equal(boardTotal(second, 'tea'), 15);
  await second.engine('till').inject(sale('tea', 1));
  await idle(second);
  assert.equal(boardTotal(second, 'tea'), 18);
  await second.stop();
});
