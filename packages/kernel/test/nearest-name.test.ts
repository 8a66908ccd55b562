import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearestName } from '@aep/kernel';

const CHANNELS = ['new-orders-channel', 'order-events-channel', 'audit'];

test('a mistyped name finds the known one', () => {
  assert.equal(nearestName('new-order-chanel', CHANNELS), 'new-orders-channel');
  assert.equal(nearestName('NEW-ORDERS-CHANNEL', CHANNELS), 'new-orders-channel');
  assert.equal(nearestName('oredr-events-channel', CHANNELS), 'order-events-channel');
  assert.equal(nearestName('adit', CHANNELS), 'audit');
});

test('swapped neighbours count as one difference', () => {
  assert.equal(nearestName('ab', ['ba']), 'ba');
});

test('a name that is like none finds none', () => {
  assert.equal(nearestName('payments', CHANNELS), undefined);
  assert.equal(nearestName('', CHANNELS), undefined);
  assert.equal(nearestName('x', []), undefined);
});

test('the nearest of several is chosen, the first one among equals', () => {
  assert.equal(nearestName('cat', ['cart', 'cats', 'cot']), 'cart');
  assert.equal(nearestName('orders', ['border', 'orderz', 'orders2']), 'orderz');
});

test('names too long to compare cheaply are passed over', () => {
  assert.equal(nearestName('a'.repeat(1_000_000), ['a'.repeat(1_000_000)]), undefined);
  assert.equal(nearestName('audit', ['a'.repeat(300), 'audit']), 'audit');
});

test('the question is empty when there is nothing to ask', () => {
  assert.equal(didYouMean('adit', CHANNELS), ' (did you mean "audit"?)');
  assert.equal(didYouMean('payments', CHANNELS), '');
});
