import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AepError, FunctionLog, type LogLine, silentLog } from '@aep/kernel';

test("a child's facts are on each of its lines, and a line's own facts win", () => {
  const lines: LogLine[] = [];
  const log = new FunctionLog((line) => lines.push(line), { xvm: 'x', engine: 'none' });
  log.child({ engine: 'orders' }).log('info', 'started', { txId: 3 });
  log.child({ engine: 'orders' }).log('info', 'renamed', { engine: 'ledger' });
  assert.deepEqual(lines, [
    { level: 'info', message: 'started', facts: { xvm: 'x', engine: 'orders', txId: 3 } },
    { level: 'info', message: 'renamed', facts: { xvm: 'x', engine: 'ledger' } },
  ]);
});

test('an error is described in the message and handed on', () => {
  const lines: LogLine[] = [];
  const error = new AepError('AEP_X', 'fatal', 'disk full');
  new FunctionLog((line) => lines.push(line)).log('error', 'engine stops', {}, error);
  assert.equal(lines[0]?.message, 'engine stops: AEP_X: disk full');
  assert.equal(lines[0]?.error, error);
});

test('the silent log takes everything and is its own child', () => {
  silentLog.log('error', 'x', { a: 1 }, new Error('y'));
  assert.equal(silentLog.child({ a: 1 }), silentLog);
});
