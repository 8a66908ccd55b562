import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testApp } from '@aep/testkit';
import { OrderEvent, OrderState, Shop } from './gen/shop.js';
import { newOrder, SHOP_CHANNELS, ShopApp } from './shop-apps.js';

const open = () => testApp(ShopApp, { state: Shop, channels: SHOP_CHANNELS });

test('given a state, when a message arrives, then what was sent and the state are as expected', async (context) => {
  const kit = await open();
  context.after(() => kit.close());
  await kit.given((shop) => void (shop.orders.create('A').quantity = 3));
  await kit.when('orders', newOrder('A', 2));
  kit.thenSent('events', [
    {
      type: OrderEvent,
      key: 'Events/AMENDED/EMEA',
      fields: { orderState: OrderState.AMENDED, total: 5n, customer: { name: 'customer of A' } },
    },
  ]);
  kit.thenState((shop) => assert.equal(shop.orders.get('A')?.quantity, 5));
  kit.thenAcknowledged(1);
});

test('a sentence is awaited as a whole', async () => {
  const kit = await open();
  await kit
    .given('orders', newOrder('A', 1))
    .when('orders', [newOrder('A', 2), newOrder('B', 1)])
    .thenSent('events', [{ fields: { orderId: 'A', total: 3n } }, { fields: { orderId: 'B' } }])
    .thenState((shop) => shop.lines === 3);
  await kit.close();
});
