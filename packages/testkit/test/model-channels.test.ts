import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChannelModel, modelChannels, modelJoins, testApp, testWorld } from '@aep/testkit';
import { says } from './expect-error.js';
import { Shop } from './gen/shop.js';
import { newOrder, type ShopChannels, ShopApp, tally } from './shop-apps.js';

const keyRules = {
  initialKeyResolution: {},
  keyResolution: {},
  cleanMessageKey: true,
  allowEmptyKeyField: false,
  treatEmptyKeyFieldAsNull: false,
  maxResolvedKeyLength: 100,
} as const;

const model: ChannelModel = {
  buses: [
    {
      name: 'shop-bus',
      channels: [
        { ...keyRules, name: 'orders', qos: 'Guaranteed', key: 'Orders/${Region}' },
        {
          ...keyRules,
          name: 'events',
          qos: 'Guaranteed',
          key: 'Events/${OrderState}/${Shard}',
          keyResolution: { Shard: '7' },
        },
      ],
    },
    { name: 'other-bus', channels: [{ ...keyRules, name: 'events', qos: 'BestEffort', key: null }] },
  ],
  apps: [
    {
      name: 'shop',
      messaging: {
        buses: [
          {
            name: 'shop-bus',
            channels: [
              { name: 'orders', join: true, filter: 'Region=US' },
              { name: 'events', join: false, filter: null },
            ],
          },
        ],
      },
    },
    {
      name: 'tally',
      messaging: { buses: [{ name: 'shop-bus', channels: [{ name: 'events', join: true, filter: null }] }] },
    },
    {
      name: 'both',
      messaging: {
        buses: [
          { name: 'shop-bus', channels: [] },
          { name: 'other-bus', channels: [] },
        ],
      },
    },
  ],
};

test('keys, filters and joins of a test are those of the model', async () => {
  const kit = await testApp(ShopApp, { state: Shop, channels: modelChannels<ShopChannels>(model, 'shop') });
  await kit.when('orders', [newOrder('A', 1, 'US'), newOrder('B', 1, 'EMEA')]);
  kit.thenSent('events', [{ key: 'Events/NEW/7', fields: { orderId: 'A' } }]);
  await kit.close();
});

test('each app of a world joins what the model says', async () => {
  const world = await testWorld({
    channels: modelChannels<ShopChannels>(model, 'shop'),
    apps: {
      shop: { app: ShopApp, channels: modelJoins(model, 'shop') },
      tally: { app: tally(), channels: { ...modelJoins(model, 'tally'), orders: { join: false } } },
    },
  });
  await world.when('orders', newOrder('A', 4, 'US'));
  world.apps.tally.thenState((totals) => assert.equal(totals.get('A'), 4));
  await world.close();
});

test('an app that the model does not have, or a channel that is on two of its buses, is refused', () => {
  assert.throws(() => modelChannels(model, 'shops'), says('AEP_TEST_MODEL', 'no such app', 'did you mean "shop"'));
  assert.throws(() => modelChannels(model, 'both'), says('AEP_TEST_MODEL', 'channel "events" is on two of its buses'));
});
