import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { everyCrash, forEachSeed, testApp } from '@aep/testkit';
import { NewOrder, OrderEvent, OrderState, Reminder, Shop } from './gen/shop.js';
import { newOrder, ShopApp } from './shop-apps.js';

/* Each test here is printed in the README, word for word between its marks. */

// [first]
const open = () =>
  testApp(ShopApp, {
    state: Shop, // for the types; @App({ state }) has it for the engine
    channels: {
      orders: { carries: NewOrder, join: true, key: 'Orders/${Region}' },
      events: { carries: OrderEvent, key: 'Events/${OrderState}/${Region}' },
    },
  });

test('a second order of the same id amends the first', async (context) => {
  const kit = await open();
  context.after(() => kit.close());

  await kit.given((shop) => void (shop.orders.create('A').quantity = 3));
  await kit.when('orders', NewOrder.fromJSON({ orderId: 'A', quantity: 2, region: 'EMEA' }));

  kit.thenSent('events', [{ key: 'Events/AMENDED/EMEA', fields: { orderState: OrderState.AMENDED, total: 5n } }]);
  kit.thenState((shop) => assert.equal(shop.orders.get('A')?.quantity, 5));
});
// [first]

// [timers]
test('an order that is not paid is reminded of after a minute', async (context) => {
  const kit = await open();
  context.after(() => kit.close());

  await kit.when('orders', newOrder('A', 1, 'EMEA', 'remind'));
  kit.thenTimers([{ type: Reminder, dueInMs: 60_000 }]);

  await kit.whenTimeAdvances(60_000);
  kit.thenSent('events', [{ fields: { notes: ['reminded'] } }]).thenTimers([]);
});
// [timers]

// [exceptions]
test('an order that cannot be handled is put aside and changes nothing', async (context) => {
  const kit = await open();
  context.after(() => kit.close());

  kit.failHandlers(NewOrder, { times: 4 }); // the first attempt and three retries
  await kit.when('orders', newOrder('A', 2));

  kit.thenNothingSent().thenState((shop) => shop.orders.size === 0);
  kit.thenDeadLettered({ type: NewOrder, reason: 'AEP_HANDLER_FAILED', attempts: 4, fields: { orderId: 'A' } });
});
// [exceptions]

// [crash]
test('an order is handled once, though the process dies before it was acknowledged', async (context) => {
  const kit = await open();
  context.after(() => kit.close());

  kit.bus.holdConfirmations(); // the event is on the bus, and nobody confirms it
  await kit.when('orders', newOrder('A', 2));
  await kit.crash().restart(); // the bus delivers the order again

  kit.thenState((shop) => shop.lines === 1);
});

test('an order is handled once, wherever the process dies', async () => {
  await everyCrash(open, async (kit) => {
    await kit.when('orders', [newOrder('A', 2), newOrder('A', 3)]);
    kit.thenSent('events', [{ fields: { total: 2n } }, { fields: { total: 5n } }]);
    kit.thenState((shop) => shop.lines === 2);
  });
});
// [crash]

// [seeds]
test('any orders add up', () =>
  forEachSeed({ seeds: 20 }, async (_, random) => {
    const kit = await open();
    let expected = 0;
    for (let n = 0; n < 20; n++) {
      const quantity = random.below(10);
      expected += quantity;
      await kit.when('orders', newOrder(`order ${random.below(3)}`, quantity));
    }
    kit.thenState((shop) => {
      const total = [...shop.orders.range()].reduce((sum, [, order]) => sum + order.quantity, 0);
      assert.equal(total, expected);
    });
    await kit.close();
  }));
// [seeds]

test('the examples of the README run as they are printed', () => {
  const source = readFileSync(new URL('../../test/readme.test.ts', import.meta.url), 'utf8');
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  for (const mark of ['first', 'timers', 'exceptions', 'crash', 'seeds']) {
    const shown = source.split(`// [${mark}]\n`)[1] ?? '';
    assert.ok(shown.length > 50);
    assert.ok(readme.includes(shown.trimEnd()), `the README shows the example "${mark}"`);
  }
});
