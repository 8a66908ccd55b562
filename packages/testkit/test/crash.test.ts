import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreFailed } from '@aep/engine';
import { everyCrash, forEachSeed, testApp, testWorld } from '@aep/testkit';
import { says } from './expect-error.js';
import { OrderEvent, Shop } from './gen/shop.js';
import { newOrder, SHOP_CHANNELS, ShopApp, tally } from './shop-apps.js';

const open = () => testApp(ShopApp, { state: Shop, channels: SHOP_CHANNELS });

test('a message that comes a second time changes nothing (E51)', async () => {
  const kit = await open();
  await assert.rejects(kit.redeliverLast(), says('AEP_TEST_NOTHING_DELIVERED'));
  await kit.when('orders', newOrder('A', 2)).redeliverLast();
  kit.thenSent('events', [{ fields: { total: 2n } }]).thenAcknowledged(2);
  assert.equal(kit.app.calls, 1);
  await kit.close();
});

test('the numbers of a sender can be chosen', async () => {
  const kit = await open();
  await kit.when('orders', newOrder('A', 1), { sender: 'gateway', sno: 7 });
  await kit.when('orders', newOrder('A', 1), { sender: 'gateway', sno: 7 });
  await kit.when('orders', newOrder('A', 1), { sender: 'gateway', sno: 6 });
  await kit.when('orders', newOrder('A', 1), { sender: 'gateway' });
  await kit.when('orders', newOrder('A', 1), { sender: 'gateway', incarnation: 2 });
  kit.thenState((shop) => assert.equal(shop.lines, 3));
  await kit.close();
});

test('what was sent and not confirmed is sent again after a crash, with its number and its mark (E37)', async () => {
  const kit = await open();
  kit.bus.holdConfirmations();
  await kit.when('orders', newOrder('A', 2));
  // The test bus has no broker: the event is acknowledged once it is stable, whoever has heard of its effects (E32).
  kit.thenAcknowledged(1);
  assert.equal(kit.bus.unconfirmed, 1);
  await kit.crash().restart();
  kit.thenNothingSent().thenState((shop) => shop.lines === 1);
  assert.equal(kit.app.calls, 0);
  assert.equal(kit.bus.sent.length, 2, 'sent again, with its number');
  assert.equal(kit.bus.sent[1]?.metadata.possibleDuplicate, true);
  await kit.close();
});

test('what was not yet stable is handled again by the next life, with a fresh instance', async () => {
  const kit = await open();
  kit.store.faults.hangs = true;
  const before = kit.app;
  await kit.when('orders', newOrder('A', 2));
  kit.thenNothingSent().thenAcknowledged(0);
  await kit.crash();
  await assert.rejects(kit.whenInjected(newOrder('B')), says('AEP_TEST_NOT_RUNNING', 'it was crashed'));
  await kit.restart();
  kit.thenSent('events', [{ fields: { total: 2n } }]).thenAcknowledged(1);
  assert.notEqual(kit.app, before);
  assert.equal(kit.app.calls, 1);
  await kit.close();
});

test('messages that arrive while the application is away wait for it', async () => {
  const kit = await open();
  await kit.stop();
  await kit.when('orders', newOrder('A', 2));
  kit.thenNothingSent();
  await kit.restart().thenSent('events', [{ fields: { total: 2n } }]);
  await kit.close();
});

test('a failing sync stops the engine; the next life goes on from what was durable', async () => {
  const kit = await open();
  kit.store.faults.failsNextSync = true;
  await kit.when('orders', newOrder('A', 2));
  kit.thenNothingSent().thenAlert(StoreFailed).thenStopped('AEP_STORE_WRITE_FAILED');
  await kit.restart();
  kit.thenSent('events', [{ fields: { total: 2n } }]);
  await kit.close();
});

test('a slow disk delays what is sent, not what is handled', async () => {
  const kit = await open();
  kit.store.faults.commitMs = () => 20;
  await kit.when('orders', newOrder('A', 2));
  kit.thenNothingSent();
  assert.equal(kit.app.calls, 1);
  await kit.whenTimeAdvances(20).thenSent('events', [{ fields: { total: 2n } }]);
  await kit.close();
});

test('a full disk holds the engine back until there is room again', async () => {
  const kit = await open();
  kit.store.faults.freeBytes = 0;
  await kit.when('orders', newOrder('A', 2));
  kit.thenNothingSent();
  kit.store.faults.freeBytes = Infinity;
  await kit.whenTimeAdvances(60_000).thenSent('events', [{ fields: { total: 2n } }]);
  await kit.close();
});

test('a bus that is down gets its messages when it is up again', async () => {
  const kit = await open();
  kit.bus.goDown();
  await kit.when('orders', newOrder('A', 2));
  kit.thenNothingSent();
  await kit
    .whenInjected(newOrder('B', 1))
    .thenState((shop) => shop.lines === 1)
    .thenNothingSent();
  kit.bus.goUp();
  await kit.whenTimeAdvances(0);
  kit.thenSent('events', [{ fields: { orderId: 'B' } }, { fields: { orderId: 'A' } }]);
  await kit.close();
});

test('a bus that refuses sends or holds deliveries gets or gives them later', async () => {
  const kit = await open();
  kit.bus.refuseSends();
  await kit.when('orders', newOrder('A', 2));
  kit.thenNothingSent();
  kit.bus.acceptSends();
  await kit.whenTimeAdvances(0).thenSent('events', [{ fields: { orderId: 'A' } }]);
  kit.bus.holdDeliveries();
  await kit.when('orders', newOrder('B', 2)).thenNothingSent();
  kit.bus.releaseDeliveries();
  await kit.whenTimeAdvances(0).thenSent('events', [{ fields: { orderId: 'B' } }]);
  await kit.close();
});

test('everyCrash tries each moment, and a scenario that is exactly once holds at all of them', async () => {
  const moments = await everyCrash(open, async (kit) => {
    await kit.when('orders', [newOrder('A', 2), newOrder('A', 3, 'US')]);
    kit.thenSent('events', [{ fields: { total: 2n } }, { fields: { total: 5n } }]);
    kit.thenState((shop) => assert.equal(shop.orders.get('A')?.quantity, 5));
  });
  assert.ok(moments > 10, `${moments} moments`);
});

test('everyCrash finds what is not exactly once and names the moment', async () => {
  const failing = everyCrash(open, async (kit) => {
    const { app } = kit;
    await kit.when('orders', newOrder('A', 2));
    assert.equal(app.calls, 1, 'the first instance handled it');
  });
  await assert.rejects(
    failing,
    says('AEP_TEST_CRASH_MOMENT', 'dies before callback 0', 'lost', 'the first instance handled it'),
  );
  const long = everyCrash(open, async (kit) => void (await kit.when('orders', newOrder('A'))), { momentsMax: 2 });
  await assert.rejects(long, says('AEP_TEST_CRASH_MOMENT', 'more than 2 moments'));
  await assert.rejects(
    everyCrash(open, () => Promise.reject(new Error('wrong from the start'))),
    /wrong from the start/,
  );
});

const openWorld = (seed = 1) =>
  testWorld({
    seed,
    channels: { orders: SHOP_CHANNELS.orders, events: { ...SHOP_CHANNELS.events } },
    apps: {
      shop: { app: ShopApp, state: Shop, channels: { events: { join: false } } },
      tally: { app: tally(), channels: { orders: { join: false }, events: { join: true } } },
    },
  });

test('several applications share a bus; each has its kit', async () => {
  const world = await openWorld();
  await world.when('orders', [newOrder('A', 2), newOrder('A', 1)]);
  world.apps.shop.thenSent('events', [{ fields: { total: 2n } }, { fields: { total: 3n } }]);
  world.apps.tally.thenState((totals) => assert.deepEqual([...totals], [['A', 3]]));
  await world.apps.tally.crash();
  await world.when('orders', newOrder('B', 2));
  await world.apps.tally.restart();
  world.apps.tally.thenState((totals) => assert.equal(totals.size, 2));
  await world.crash();
  await world.restart();
  await world.advance(1_000);
  world.apps.tally.thenState((totals) => assert.equal(totals.size, 2));
  world.apps.shop.thenState((shop) => shop.lines === 3);
  await world.close();
});

test('random crashes in a world leave each effect once; the seed makes the run', async () => {
  await forEachSeed({ seeds: 5 }, async (seed, random) => {
    const world = await openWorld(seed);
    for (let order = 0; order < 5; order++) {
      world.planCrash(random.below(30), 'chance', random.below(2) === 0 ? 'shop' : undefined);
      await world.when('orders', newOrder(`O${order}`, 2));
    }
    world.apps.shop.thenState((shop) => assert.equal(shop.lines, 5));
    world.apps.tally.thenState((totals) => assert.equal(totals.size, 5));
    await world.close();
  });
});

test('a seed that fails is named with the command that runs it alone', async () => {
  const seen: number[] = [];
  const failing = forEachSeed({ seeds: 9, first: 3 }, (seed) => {
    seen.push(seed);
    assert.ok(seed < 5, 'five is too much');
  });
  await assert.rejects(
    failing,
    says('AEP_TEST_SEED_FAILED', 'seed 5: five is too much', 'AEP_SEED=5 node --test', 'crash.test.js'),
  );
  assert.deepEqual(seen, [3, 4, 5]);
});

test('AEP_SEED runs one seed alone; what is no seed is refused', async (context) => {
  context.after(() => delete process.env['AEP_SEED']);
  const seen: number[] = [];
  process.env['AEP_SEED'] = '42';
  await forEachSeed({ seeds: 9 }, (seed) => void seen.push(seed));
  assert.deepEqual(seen, [42]);
  process.env['AEP_SEED'] = 'x';
  await assert.rejects(
    forEachSeed({}, () => undefined),
    says('AEP_TEST_SEED_INVALID', 'AEP_SEED: expected an integer from 0, got "x"'),
  );
  delete process.env['AEP_SEED'];
  await assert.rejects(
    forEachSeed({ seeds: 0 }, () => undefined),
    says('AEP_TEST_SEED_INVALID', 'seeds'),
  );
});

test('an OrderEvent that comes from a sender of its own is tallied', async () => {
  const kit = await testApp(tally(), { channels: { events: { carries: OrderEvent, join: true } } });
  await kit.when('events', OrderEvent.fromJSON({ orderId: 'A', total: '3' }), { sender: 'shop' });
  kit.thenState((totals) => totals.get('A') === 3);
  await kit.close();
});

test('more messages than the bus takes are an error, not a hang', async () => {
  const kit = await open();
  kit.bus.holdDeliveries();
  const many = Array.from({ length: 10_001 }, () => newOrder('A'));
  await assert.rejects(kit.when('orders', many), says('AEP_TEST_NOT_TAKEN', '10000 wait for one application'));
  kit.bus.releaseDeliveries();
  await kit.whenTimeAdvances(0).thenState((shop) => shop.lines === 10_000);
  await kit.close();
});

test('an instance is used again after a restart, a function makes a new one', async () => {
  const instance = new ShopApp();
  const reused = await testApp(instance, { channels: SHOP_CHANNELS });
  await reused.when('orders', newOrder('A')).crash().restart().when('orders', newOrder('A'));
  assert.equal(reused.app, instance);
  assert.equal(instance.calls, 2);
  await reused.close();
  const fresh = await testApp(() => new ShopApp(), { channels: SHOP_CHANNELS });
  await fresh.when('orders', newOrder('A')).crash().restart().when('orders', newOrder('A'));
  assert.equal(fresh.app.calls, 1);
  await fresh.close();
});

test('a world can be stopped in the middle of things', async () => {
  const world = await openWorld();
  world.bus.holdDeliveries();
  await world.when('orders', newOrder('A', 2));
  world.bus.releaseDeliveries();
  await world.step(2);
  assert.equal(world.bus.delivered.length, 1, 'the shop has the order');
  assert.equal(world.bus.sent.length, 0, 'and has sent nothing yet');
  await world.crash('lost');
  await world.restart();
  world.apps.shop.thenSent('events', [{ fields: { total: 2n } }]);
  world.apps.tally.thenState((totals) => assert.equal(totals.get('A'), 2));
  await world.close();
});

test('a step that comes while another one runs waits for it', async () => {
  const kit = await open();
  await Promise.all([kit.when('orders', newOrder('A', 1)), kit.when('orders', newOrder('A', 2))]);
  kit.thenSent('events', [{ fields: { total: 1n } }, { fields: { total: 3n } }]);
  await kit.close();
});

test('a planned crash leaves of a write what its outcome says', async () => {
  for (const [outcome, calls] of [
    ['lost', 1],
    ['kept', 0],
  ] as const) {
    const kit = await open();
    kit.store.faults.commitMs = () => 50;
    await kit.when('orders', newOrder('A', 2));
    const plan = kit.planCrash(0, outcome);
    assert.equal(plan.hasHappened, false);
    await kit.whenTimeAdvances(50);
    assert.equal(plan.hasHappened, true);
    assert.equal(kit.app.calls, calls, `${outcome}: calls of the second life`);
    kit.thenSent('events', [{ fields: { total: 2n } }]);
    await kit.close();
  }
});
