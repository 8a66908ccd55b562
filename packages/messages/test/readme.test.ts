import { StringValue, Struct } from '@aep/messages';
import assert from 'node:assert/strict';
import { test } from 'node:test';

test('the example of the README does what it says', () => {
  const message = StringValue.create();
  message.value = 'hello';
  const bytes = message.toBytes();
  message.dispose();

  const view = StringValue.wrap(bytes);
  assert.equal(view.value, 'hello');
  assert.throws(() => (view.value = 'x'), { code: 'AEP_VIEW_READ_ONLY' });
  const mine = view.copy();
  view.dispose();
  mine.value = 'changed';
  assert.equal(mine.value, 'changed');

  const struct = Struct.fromJSON({ a: [1, null], b: { c: true } });
  assert.equal(JSON.stringify(struct), '{"a":[1,null],"b":{"c":true}}');
});
