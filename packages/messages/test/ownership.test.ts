import { FieldMask, ListValue, StringValue, Struct, Timestamp } from '@aep/messages';
import { disposeOwned, giveAway, isCheckedMode, setCheckedMode, takeBack } from '@aep/messages/internal';
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

afterEach(() => setCheckedMode(true));

const disposed = { code: 'AEP_VIEW_DISPOSED' };
const readOnly = { code: 'AEP_VIEW_READ_ONLY' };

test('checked mode is on outside of production', () => {
  assert.equal(isCheckedMode(), true);
});

test('any use after dispose throws, and tells where it was disposed (E72)', () => {
  const message = StringValue.create();
  message.dispose();
  assert.throws(() => message.value, { ...disposed, message: /ownership\.test/ });
  assert.throws(() => (message.value = 'x'), disposed);
  assert.throws(() => message.copy(), disposed);
  assert.throws(() => message.toBytes(), disposed);
  assert.throws(() => message.toJSON(), disposed);
  assert.throws(() => message.acquire(), disposed);
});

test('a second dispose throws in checked mode and does nothing otherwise', () => {
  const message = StringValue.create();
  message.dispose();
  assert.throws(() => message.dispose(), disposed);
  setCheckedMode(false);
  message.dispose();
  const [first, second] = [StringValue.create(), StringValue.create()];
  assert.notEqual(first, second);
});

test('in checked mode a disposed message is never used again, otherwise the pool hands it out', () => {
  const checked = StringValue.create();
  checked.dispose();
  assert.notEqual(StringValue.create(), checked);
  setCheckedMode(false);
  const pooled = StringValue.create();
  pooled.value = 'old';
  pooled.dispose();
  const next = StringValue.create();
  assert.equal(next, pooled);
  assert.equal(next.value, '');
});

test('a message that was sent belongs to the engine: the error names the place (E41)', () => {
  const message = StringValue.create();
  message.value = 'x';
  giveAway(message, 'sent to orders@bus');
  assert.throws(() => message.value, { ...disposed, message: /used after it was sent.*sent to orders@bus/s });
  assert.throws(() => (message.value = 'y'), disposed);
  assert.throws(() => message.dispose(), disposed);
  assert.throws(() => giveAway(message, 'again'), disposed);
  // The engine itself still encodes it.
  assert.equal(message.$encodedSize(), 3);
  takeBack(message);
  assert.equal(message.value, 'x');
  giveAway(message, 'again');
  disposeOwned(message);
  assert.throws(() => message.value, disposed);
});

test('messages inside of a sent one are sent too', () => {
  const list = ListValue.create();
  const element = list.values.add();
  element.stringValue = 'before';
  giveAway(list, 'sent');
  assert.throws(() => (element.stringValue = 'after'), disposed);
  assert.throws(() => list.values, disposed);
  const bytes = new Uint8Array(list.$encodedSizeMax());
  const end = list.$encodeTo(bytes, 0);
  assert.equal(ListValue.wrap(bytes, 0, end).values.at(0)?.stringValue, 'before');
});

test('messages inside of a disposed one throw', () => {
  const struct = Struct.create();
  const value = struct.fields.getOrCreate('a');
  value.structValue.fields.getOrCreate('b').boolValue = true;
  const inner = value.structValue;
  struct.dispose();
  assert.throws(() => value.kindCase, disposed);
  assert.throws(() => inner.fields, disposed);
});

test('an embedded message can neither be acquired nor disposed', () => {
  const struct = Struct.create();
  const value = struct.fields.getOrCreate('a');
  assert.throws(() => value.dispose(), { code: 'AEP_VIEW_EMBEDDED', message: /part of a google\.protobuf\.Struct/ });
  assert.throws(() => value.acquire(), { code: 'AEP_VIEW_EMBEDDED' });
  assert.equal(value.copy().kindCase, undefined);
});

test('an acquired message lives until both owners disposed it', () => {
  const message = StringValue.create();
  message.value = 'x';
  assert.equal(message.acquire(), message);
  message.dispose();
  assert.equal(message.value, 'x');
  message.dispose();
  assert.throws(() => message.value, disposed);
});

test('an acquired view has its own bytes: the receive buffer may be used again', () => {
  const source = StringValue.create();
  source.value = 'received';
  const buffer = Buffer.from(source.toBytes());
  const view = StringValue.wrap(buffer);
  view.acquire();
  buffer.fill(0xff);
  assert.equal(view.value, 'received');
  assert.throws(() => (view.value = 'x'), readOnly);
});

test('a copy never shares memory with the bytes that were wrapped, not even those of a Buffer', () => {
  const source = StringValue.create();
  source.value = 'received';
  const buffer = Buffer.from(source.toBytes());
  const view = StringValue.wrap(buffer);
  const copy = view.copy();
  const bytes = view.toBytes();
  buffer.fill(0xff);
  assert.equal(copy.value, 'received');
  assert.equal(StringValue.wrap(bytes).value, 'received');
});

test('a view is pooled with nothing left of what it showed before', () => {
  setCheckedMode(false);
  const full = FieldMask.create();
  full.paths.assign(['a', 'b']);
  const view = FieldMask.wrap(full.toBytes());
  assert.equal(view.paths.length, 2);
  view.dispose();
  const again = FieldMask.wrap(new Uint8Array(0));
  assert.equal(again, view);
  assert.equal(again.paths.length, 0);
  const empty = FieldMask.create();
  assert.equal(empty.paths.length, 0);
});

test('encoding into a target that is too small is refused', () => {
  const message = StringValue.create();
  message.value = 'x'.repeat(200);
  for (const room of [0, 1, 100, 201, 202]) {
    assert.throws(
      () => message.$encodeTo(new Uint8Array(room), 0),
      { code: 'AEP_ENCODE_NO_ROOM', message: /needs .* bytes/ },
      String(room),
    );
  }
  assert.equal(message.$encodeTo(new Uint8Array(203), 0), 203);
  const view = StringValue.wrap(message.toBytes());
  assert.throws(() => view.$encodeTo(new Uint8Array(202), 0), { code: 'AEP_ENCODE_NO_ROOM' });
});

test('a lone surrogate is written as U+FFFD', () => {
  const message = StringValue.create();
  message.value = `a\uD800${'b'.repeat(40)}`;
  assert.equal(StringValue.wrap(message.toBytes()).value, `a\uFFFD${'b'.repeat(40)}`);
  message.value = '\uDC00';
  assert.equal(StringValue.wrap(message.toBytes()).value, '\uFFFD');
});

test('a message that is never disposed is a miss of the pool, not a leak', () => {
  setCheckedMode(false);
  const type = Timestamp.$type as unknown as { pool: { misses: number } };
  const before = type.pool.misses;
  for (let index = 0; index < 10; index++) Timestamp.create();
  assert.equal(type.pool.misses, before + 10);
});
