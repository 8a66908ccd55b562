import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileFilter, compileKeyTemplate } from '@aep/bus';
import { order, orderType } from './order-type.js';

// The example of README.md; the test below keeps it true.
test('the example of the README runs', () => {
  const template = compileKeyTemplate('NEWORDERS/${Region}/${Department::none}', { channel: 'new-orders@sample-bus' });
  const resolver = template.bind(orderType);
  assert.equal(resolver.resolve(order({ region: 'US', department: 'Toys' })), 'NEWORDERS/US/Toys');
  assert.deepEqual(compileFilter('Region=US|EMEA', template), ['NEWORDERS/US/*', 'NEWORDERS/EMEA/*']);
});
