import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NewOrder } from './gen/shop/orders.js';

test('a message that was created, filled and encoded reads the same through a view', () => {
  const message = NewOrder.create();
  message.orderId = 'o-1';
  message.sequence = -5n;
  const view = NewOrder.wrap(message.toBytes());
  assert.equal(view.orderId, 'o-1');
  assert.equal(view.sequence, -5n);
  assert.equal(view.note, '');
  message.dispose();
  view.dispose();
});
