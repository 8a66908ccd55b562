import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AepError, assert as assertInvariant, describeError, toError, unreachable } from '@aep/kernel';

test('an error is one JSON object with code, advice, message and facts', () => {
  const error = new AepError('AEP_X', 'retry', 'queue "q" is full', { size: 7, txId: 2n ** 60n, gone: undefined });
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    code: 'AEP_X',
    advice: 'retry',
    message: 'queue "q" is full',
    facts: { size: 7, txId: '1152921504606846976' },
  });
});

test('causes are part of the JSON and of the one-line description', () => {
  const disk = new TypeError('no space');
  const store = new AepError('AEP_STORE', 'fatal', 'commit failed', {}, disk);
  const engine = new AepError('AEP_ENGINE', 'fatal', 'stopped', {}, store);
  assert.equal(describeError(engine), 'AEP_ENGINE: stopped <- AEP_STORE: commit failed <- TypeError: no space');
  assert.equal(engine.toJSON()['cause'], 'AEP_STORE: commit failed <- TypeError: no space');
  assert.equal(engine.cause, store);
});

test('a cause whose message was said already is not said again', () => {
  const disk = new Error('EROFS: read-only file system');
  const store = new AepError('AEP_STORE', 'fatal', `store: ${disk.message}`, {}, disk);
  const start = new AepError('AEP_START', 'fatal', `app "a" did not start: ${describeError(store)}`, {}, store);
  const text = 'AEP_START: app "a" did not start: AEP_STORE: store: EROFS: read-only file system';
  assert.equal(describeError(start), text);
});

test('a cycle of causes comes to its end', () => {
  const error = new Error('round') as Error & { cause: unknown };
  error.cause = error;
  assert.equal(describeError(error), 'Error: round');
  const nameless = new Error('') as Error & { cause: unknown };
  nameless.cause = nameless;
  assert.equal(describeError(nameless), Array.from({ length: 5 }, () => 'Error: ').join(' <- '));
});

test('anything that was thrown can be described', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  assert.equal(describeError('text'), 'text');
  assert.equal(describeError(null), 'null');
  assert.equal(describeError(7n), '7');
  assert.equal(describeError({ status: 500 }), '{"status":500}');
  assert.equal(describeError(cycle), 'an object that cannot be shown');
  assert.equal(describeError(Symbol('s')), 'Symbol(s)');
});

test('toError keeps an error and wraps everything else', () => {
  const error = new RangeError('r');
  assert.equal(toError(error), error);
  assert.match(toError({ a: 1 }).message, /not an Error was thrown: \{"a":1\}/);
});

test('a broken invariant is fatal, and a passing one builds no message', () => {
  assertInvariant(true, () => assert.fail('the message of a passing assertion was built'));
  const isFatal = { code: 'AEP_ASSERTION', advice: 'fatal' };
  assert.throws(() => assertInvariant(false, 'x'), { ...isFatal, message: 'invariant broken: x' });
  assert.throws(() => assertInvariant(false, () => 'y'), { ...isFatal, message: 'invariant broken: y' });
  assert.throws(() => unreachable('z' as never), { ...isFatal, message: 'invariant broken: unexpected value z' });
});
