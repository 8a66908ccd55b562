import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MemoryRegister } from '@aep/cluster';
import { createEngine, defineApp } from '@aep/engine';
import { exitCodeOfStop, GroupApp } from '@aep/host/internal';
import { SeededRandom, silentLog, SystemClock } from '@aep/kernel';
import { MemoryNetwork } from '@aep/net';
import { MemoryStoreMaker, type Store } from '@aep/store';
import { Sale, ShopFactory, Till } from './gen/shop.js';
import { sale } from './shop.js';

// Timers of the clock keep no process alive.
const alive = setInterval(() => undefined, 1_000);
after(() => clearInterval(alive));

/** A member alone, in memory, whose disk can be made to fail. */
function memberAlone() {
  const clock = new SystemClock();
  const random = new SeededRandom(3);
  const stores = new MemoryStoreMaker({ clock, random });
  const app = defineApp<Till>({ name: 'till', state: Till, factories: [ShopFactory] }).on(
    Sale,
    (message, { state }) => {
      state.items.getOrCreate(message.item).total += message.amount;
    },
  );
  const engineOn = (store: () => Store) => createEngine({ name: 'till', app, store, clock });
  const unit = new GroupApp({
    name: 'till',
    autoStart: true,
    member: { group: 'till', name: 'one', address: '127.0.0.1:7000', version: '0.1.0' },
    openArbiter: () => new MemoryRegister().connect({ clock }),
    stores: Object.assign(stores, { closeLast: () => Promise.resolve() }),
    network: new MemoryNetwork({ clock, random }).node('one'),
    engines: { first: engineOn, make: (store) => Promise.resolve(engineOn(store)) },
    expectations: { role: 'None', journal: 'None' },
    stopTimeoutMs: 2_000,
    clock,
    random,
    log: silentLog,
  });
  return { unit, stores };
}

test('a storage error ends the member with its cause, and the process with 71; nothing is acknowledged after it (H22)', async () => {
  const { unit, stores } = memberAlone();
  await unit.start();
  assert.deepEqual([unit.role, unit.state, unit.status().lastTxId], ['primary', 'started', 0]);
  await unit.engine.inject(sale('tea', 1));
  stores.faults.failsNextSync = true;
  await assert.rejects(unit.engine.inject(sale('tea', 1)));
  const report = await unit.stopped;
  assert.equal(report.cause?.code, 'AEP_STORE_WRITE_FAILED');
  assert.deepEqual([unit.role, unit.state, unit.status().stableTxId <= 1], ['stopped', 'stopped', true]);
  assert.equal(exitCodeOfStop({ cause: report.cause, drained: true, heldBy: {}, apps: {} }), 71);
});

test('an app that stops its engine takes the member with it, so that another one leads (E20)', async () => {
  const { unit } = memberAlone();
  await unit.start();
  await unit.engine.stop();
  const report = await unit.stopped;
  assert.equal(report.cause?.code, 'AEP_CLUSTER_STOPPED');
  await assert.rejects(unit.present(), { code: 'AEP_ARBITER_CLOSED' });
});

test('a member that was never started is stopped at once, and says what it is', async () => {
  const { unit } = memberAlone();
  assert.deepEqual([unit.role, unit.state, unit.engine.state], ['joining', 'created', 'created']);
  await assert.rejects(unit.switchTo('two'), { code: 'AEP_ENGINE_STATE' });
  await assert.rejects(unit.switchTo(undefined), { code: 'AEP_SWITCH_TARGET' });
  assert.equal((await unit.stop(undefined, 1_000)).cause, undefined);
  assert.equal(unit.role, 'stopped');
});
