import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationException, StuckAlert } from '@aep/engine';
import { testApp, type TestAppOptions } from '@aep/testkit';
import { says } from './expect-error.js';
import { NewOrder, OrderEvent, OrderState, Reminder, Shop } from './gen/shop.js';
import { newOrder, SHOP_CHANNELS, ShopApp, tally } from './shop-apps.js';

type ShopOptions = Omit<TestAppOptions<typeof SHOP_CHANNELS, Shop>, 'channels' | 'state'>;
const open = (options: ShopOptions = {}) => testApp(ShopApp, { ...options, state: Shop, channels: SHOP_CHANNELS });

test('given a state, when a message arrives, then what was sent and the state are as expected', async (context) => {
  const kit = await open();
  context.after(() => kit.close());
  await kit.given((shop) => void (shop.orders.create('A').quantity = 3));
  await kit.when('orders', newOrder('A', 2));
  kit.thenSent('events', [
    {
      type: OrderEvent,
      key: 'Events/AMENDED/EMEA',
      fields: { orderState: OrderState.AMENDED, total: 5n, customer: { name: 'customer of A' }, counts: { lines: 1 } },
    },
  ]);
  kit.thenState((shop) => assert.equal(shop.orders.get('A')?.quantity, 5));
  kit.thenAcknowledged(1);
});

test('a sentence is awaited as a whole, and its checks run in their place', async () => {
  const kit = await open();
  await kit
    .given('orders', newOrder('A', 1))
    .when('orders', [newOrder('A', 2), newOrder('B', 1)])
    .thenSent('events', [{ fields: { orderId: 'A', total: 3n } }, { fields: { orderId: 'B' } }])
    .thenState((shop) => shop.lines === 3)
    .when('orders', newOrder('B', 1))
    .thenSent('events', [{ fields: { orderId: 'B', total: 2n } }]);
  await kit.close();
});

test('a channel or a field that does not exist is no TypeScript, and an error for those who write none', async () => {
  const kit = await open();
  await assert.rejects(
    // @ts-expect-error -- no such channel
    kit.when('order', newOrder('A')),
    says('AEP_TEST_CHANNEL_UNKNOWN', '"order"', 'did you mean "orders"', 'orders, events'),
  );
  // @ts-expect-error -- the channel carries other messages
  kit.when('events', newOrder('A')).then(undefined, () => undefined);
  await kit.when('orders', newOrder('A'));
  assert.throws(
    // @ts-expect-error -- no such field
    () => kit.thenSent('events', [{ fields: { orderid: 'A' } }]),
    says('AEP_TEST_FIELD_UNKNOWN', 'shop.OrderEvent has no field "orderid"', 'did you mean "orderId"'),
  );
  assert.throws(
    () => kit.thenSent('events', [{ fields: { notes: 1 as never } }]),
    says('AEP_TEST_FIELD_UNKNOWN', 'notes is a list'),
  );
  await kit.close();
});

test('a difference is shown field by field, with the failure of a handler behind it', async () => {
  const kit = await open({ policies: { retriesMax: 0 } });
  await kit.when('orders', [newOrder('A', 2), newOrder('B', 1, 'US', 'fail')]);
  const expected = [
    { type: OrderEvent, key: 'Events/NEW/US', fields: { orderId: 'A', total: 3n } },
    { type: OrderEvent, fields: { orderId: 'B' } },
  ];
  assert.throws(
    () => kit.thenSent('events', expected),
    says(
      'AEP_TEST_SENT',
      'shop: channel "events": expected 2 messages, 1 message was sent',
      '1. differs (- expected, + sent):',
      '  shop.OrderEvent',
      '- key "Events/NEW/US"',
      '+ key "Events/NEW/EMEA"',
      '  orderId: "A"',
      '- total: "3"',
      '+ total: "2"',
      '2. expected and not sent:',
      '- shop.OrderEvent {"orderId":"B"}',
      'handlers that failed:',
      'ShopApp.onNewOrder threw Error: the shop was asked to fail',
    ),
  );
  await kit.close();
});

test('another type than expected is shown with its fields', async () => {
  const channels = { ...SHOP_CHANNELS, events: { carries: [OrderEvent, Reminder] } };
  const kit = await testApp(ShopApp, { channels });
  await kit.when('orders', newOrder('A', 2));
  assert.throws(
    () => kit.thenSent('events', [{ type: Reminder, fields: { orderId: 'A' } }]),
    says('AEP_TEST_SENT', '- shop.Reminder', '+ shop.OrderEvent', '+ orderId: "A"', '+ orderState: "NEW"'),
  );
  await kit.close();
});

test('what is sent beyond the expected is a difference; exact also looks at fields beyond the expected ones', async () => {
  const kit = await open();
  await kit.when('orders', newOrder('A', 2));
  assert.throws(
    () => kit.thenSent('events', []),
    says('AEP_TEST_SENT', 'expected 0 messages, 1 message was sent', 'sent and not expected', '"orderId":"A"'),
  );
  assert.throws(
    () => kit.thenSent('events', [{ type: OrderEvent, fields: { orderId: 'A' }, exact: true }]),
    says('AEP_TEST_SENT', '  orderId: "A"', '+ orderState: "NEW"   (not expected)'),
  );
  const fields = { orderId: 'A', orderState: OrderState.NEW, region: 'EMEA', total: 2n, counts: { lines: 1 } };
  kit.thenSent('events', [
    { type: OrderEvent, fields: { ...fields, customer: { name: 'customer of A' } }, exact: true },
  ]);
  assert.throws(
    () => kit.thenSent('events', [{ type: OrderEvent, fields: { ...fields, customer: {} }, exact: true }]),
    says('AEP_TEST_SENT', '- customer: {}', '+ customer: {"name":"customer of A"'),
  );
  await kit.close();
});

test('thenNothingSent fails with what was sent', async () => {
  const kit = await open();
  kit.thenNothingSent().thenNothingSent('events');
  await kit.when('orders', newOrder('A', 2));
  assert.throws(
    () => kit.thenNothingSent(),
    says('AEP_TEST_SENT', 'expected nothing to be sent', 'events: shop.OrderEvent key "Events/NEW/EMEA"'),
  );
  assert.throws(() => kit.thenNothingSent('events'), says('AEP_TEST_SENT', 'channel "events": expected nothing'));
  kit.thenNothingSent('orders');
  await kit.close();
});

test('messages on other channels than the expected one are named', async () => {
  const kit = await testApp(ShopApp, { channels: { ...SHOP_CHANNELS, news: {} } });
  await kit.when('orders', newOrder('A', 2));
  assert.throws(
    () => kit.thenSent('news', [{}]),
    says('AEP_TEST_SENT', 'nothing was sent', 'on other channels:', 'events: shop.OrderEvent'),
  );
  await kit.close();
});

test('checks are about what happened since the first when after the last check', async () => {
  const kit = await open();
  await kit.when('orders', newOrder('A'));
  await kit.when('orders', newOrder('B'));
  kit.thenSent('events', [{ fields: { orderId: 'A' } }, { fields: { orderId: 'B' } }]).thenAcknowledged(2);
  await kit.when('orders', newOrder('C'));
  kit.thenSent('events', [{ fields: { orderId: 'C' } }]).thenAcknowledged(1);
  assert.throws(() => kit.thenAcknowledged(2), says('AEP_TEST_ACKNOWLEDGED', 'expected 2', '1 were acknowledged'));
  await kit.close();
});

test('a message whose key the filter does not take is not delivered, and a failing check says so', async () => {
  const kit = await open();
  await kit.when('orders', newOrder('A', 1, 'APAC'));
  kit.thenNothingSent().thenAcknowledged(0);
  await kit.when('orders', newOrder('A', 1, 'APAC'));
  assert.throws(
    () => kit.thenAcknowledged(1),
    says('AEP_TEST_ACKNOWLEDGED', 'note:', 'key "Orders/APAC" was not delivered', 'Orders/US, Orders/EMEA'),
  );
  await kit.close();
});

test('a message on a channel that nobody joined is an error', async () => {
  const kit = await open();
  await assert.rejects(
    kit.when('events', OrderEvent.create()),
    says('AEP_TEST_NOT_JOINED', '"shop" has not joined channel "events"', 'join: true'),
  );
  await kit.close();
});

test('thenState takes assertions and conditions', async () => {
  const kit = await open();
  await kit.when('orders', newOrder('A', 2));
  kit.thenState((shop) => shop.orders.size === 1);
  assert.throws(
    () => kit.thenState((shop) => shop.orders.size === 2),
    says('AEP_TEST_STATE', 'the condition on the state is false'),
  );
  assert.throws(() => kit.thenState((shop) => assert.equal(shop.lines, 7)), /1 !== 7|Expected values/);
  assert.equal(
    kit.read((shop) => shop.lines),
    1,
  );
  await kit.close();
});

test('a failing handler is retried at once and its message is put aside; the check tells what is there', async () => {
  const kit = await open();
  await kit.when('orders', newOrder('A', 2, 'EMEA', 'fail'));
  kit.thenNothingSent().thenState((shop) => shop.lines === 0);
  assert.equal(kit.app.calls, 4);
  assert.throws(
    () => kit.thenDeadLettered(),
    says(
      'AEP_TEST_DEAD_LETTERED',
      'expected 0 dead letter(s), there are 1',
      '+ shop.NewOrder',
      '"orderId":"A"',
      'orders@test-bus',
      'AEP_HANDLER_FAILED after 4 attempt(s)',
      'asked to fail',
    ),
  );
  assert.throws(
    () => kit.thenDeadLettered({ type: NewOrder, reason: 'OTHER', error: /x/, fields: { orderId: 'A' } }),
    says(
      'AEP_TEST_DEAD_LETTERED',
      'expected and not there',
      '- shop.NewOrder {"orderId":"A"} reason "OTHER" error /x/',
      'there and not expected',
    ),
  );
  kit.thenDeadLettered({
    type: NewOrder,
    reason: 'AEP_HANDLER_FAILED',
    attempts: 4,
    error: 'asked to fail',
    fields: { orderId: 'A' },
  });
  await kit.close();
});

test('handlers can be made to fail without a change of the application', async () => {
  const kit = await open();
  kit.failHandlers(NewOrder, { times: 2 });
  await kit.when('orders', newOrder('A', 2));
  kit.thenSent('events', [{ fields: { total: 2n } }]).thenDeadLettered();
  kit.thenAlert(ApplicationException, (alert) => alert.message.includes('the test asked'));
  assert.equal(kit.app.calls, 3);
  kit.failHandlers(NewOrder, { at: 'before', error: new TypeError('early') });
  await kit.when('orders', newOrder('A', 2));
  kit.thenSent('events', [{ fields: { total: 4n } }]).thenAlert(ApplicationException);
  assert.equal(kit.app.calls, 4);
  await kit.close();
});

test('alerts are checked by class and condition', async () => {
  const kit = await open();
  kit.thenNoAlerts();
  await kit.when('orders', newOrder('A', 2, 'EMEA', 'fail later'));
  assert.throws(
    () => kit.thenAlert(StuckAlert),
    says(
      'AEP_TEST_ALERT',
      'expected the alert StuckAlert, none was raised',
      'ApplicationException: AEP_HANDLER_FAILED',
    ),
  );
  assert.throws(
    () => kit.thenAlert(ApplicationException, () => false),
    says('AEP_TEST_ALERT', 'none that the condition takes'),
  );
  assert.throws(() => kit.thenNoAlerts(), says('AEP_TEST_ALERT', 'expected no alert, 4 were raised'));
  kit.thenAlert(ApplicationException);
  await kit.close();
});

test('timers fire when the time has come, and are checked in the order in which they fall due', async () => {
  const kit = await open();
  await kit.when('orders', newOrder('A', 1, 'EMEA', 'remind'));
  kit.thenTimers([{ id: 'r A', type: Reminder, dueInMs: 60_000 }]);
  assert.throws(
    () => kit.thenTimers([{ dueInMs: 1 }]),
    says('AEP_TEST_TIMERS', '- a timer {"dueInMs":1}', '+ shop.Reminder {"id":"r A","dueInMs":60000}'),
  );
  await kit.whenTimeAdvances(59_999);
  kit.thenNothingSent().thenTimers([{ dueInMs: 1 }]);
  await kit.whenTimeAdvances(1);
  kit.thenSent('events', [{ fields: { orderId: 'A', notes: ['reminded'] } }]).thenTimers([]);
  await kit.close();
});

test('injected messages and commands', async () => {
  const kit = await open();
  await kit.whenInjected(newOrder('A', 5));
  kit.thenSent('events', [{ fields: { total: 5n } }]).thenAcknowledged(0);
  await kit.whenCommand('count', { least: 5 }).thenAnswered(1);
  assert.throws(() => kit.thenAnswered(2), says('AEP_TEST_ANSWERED', 'expected the answer 2, it answered 1'));
  await assert.rejects(kit.whenCommand('count', { least: -1 }), /must not be negative/);
  assert.throws(() => kit.thenAnswered(2), says('AEP_TEST_ANSWERED', 'no command has answered'));
  await kit.close();
});

test('a policy that stops the engine is checked by its cause; further calls say why it does not run', async () => {
  const kit = await open({ policies: { appException: 'RollbackAndStop' } });
  assert.throws(() => kit.thenStopped(), says('AEP_TEST_STOPPED', 'it is running'));
  await kit.when('orders', newOrder('A', 2, 'EMEA', 'fail'));
  assert.throws(
    () => kit.thenStopped('AEP_OTHER'),
    says('AEP_TEST_STOPPED', 'with AEP_OTHER', 'the engine stopped: AEP_HANDLER_FAILED'),
  );
  kit.thenStopped('AEP_HANDLER_FAILED');
  assert.throws(
    () => kit.thenState(() => true),
    says('AEP_TEST_NOT_RUNNING', '"shop" is not running', 'AEP_HANDLER_FAILED'),
  );
  await kit.close();
});

test('a failure that no check looked at is reported at the end', async () => {
  const kit = await open();
  await kit.when('orders', newOrder('A', 2, 'EMEA', 'fail'));
  await assert.rejects(
    kit.close(),
    says('AEP_TEST_UNCHECKED_FAILURE', 'shop', 'ApplicationException: AEP_HANDLER_FAILED', 'asked to fail'),
  );
});

test('a message that was created and forgotten is reported at the end', async () => {
  const kit = await open();
  await kit.when('orders', newOrder('A', 2, 'EMEA', 'forget'));
  await assert.rejects(kit.close(), says('AEP_TEST_LEAK', 'neither sent nor disposed: 1 shop.OrderEvent'));
});

test('a step that nobody awaits is reported by the next check, or at the end', async () => {
  const kit = await open();
  void kit.when('orders', newOrder('A', 2));
  assert.throws(
    () => kit.thenNothingSent(),
    says('AEP_TEST_UNAWAITED', 'a then… comes before', 'when()', 'await kit.when(…)'),
  );
  void kit.when('orders', newOrder('A', 2)).thenNothingSent();
  await assert.rejects(kit.close(), says('AEP_TEST_UNAWAITED', 'when().thenNothingSent()'));
});

test('a state cannot be given to an event-sourced application; messages can', async () => {
  const kit = await testApp(tally(), { channels: { events: { carries: OrderEvent, join: true } } });
  await assert.rejects(
    kit.given((state) => state.set('A', 1)),
    says('AEP_TEST_GIVEN_STATE', 'event-sourced', 'messages instead'),
  );
  await kit.given('events', OrderEvent.fromJSON({ orderId: 'A', total: '3' }));
  kit.thenState((state) => assert.deepEqual([...state], [['A', 3]]));
  await kit.crash().restart();
  kit.thenState((state) => assert.deepEqual([...state], [['A', 3]]));
  await kit.close();
});

test('the state option is checked against the application', async () => {
  await assert.rejects(
    testApp(tally(), { state: Shop as never }),
    says('AEP_TEST_STATE_TYPE', 'options.state is shop.Shop', '"tally" is none'),
  );
});

test('an application that sends itself messages without end does not hang its test', async () => {
  const kit = await testApp(ShopApp, { channels: SHOP_CHANNELS });
  const again = (): void => kit.clock.defer(again);
  again();
  await assert.rejects(kit.when('orders', newOrder('A')), says('AEP_TEST_NEVER_SETTLES', 'always more'));
});
