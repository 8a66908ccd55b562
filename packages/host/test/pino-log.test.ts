import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLog } from '@aep/host';
import { AepError, type Log } from '@aep/kernel';

function open(
  options: { level?: 'info' | 'debug' | 'warn'; format?: 'text' | 'json'; levels?: Record<string, string> } = {},
): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const { level = 'info', format = 'json', levels = {} } = options;
  return { log: openLog({ level, format, levels }, { write: (line) => lines.push(line) }), lines };
}

test('a line for machines has level, time, message and facts; what is below the level is not written', () => {
  const { log, lines } = open();
  log.child({ app: 'till' }).log('info', 'started', { port: 7, big: 12n });
  log.log('debug', 'not shown');
  assert.equal(lines.length, 1);
  const { time, ...rest } = JSON.parse(lines[0]!) as Record<string, unknown>;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual(rest, { level: 'info', app: 'till', port: 7, big: '12', msg: 'started' });
});

test('an error is written with its code, and its stack only when it has none', () => {
  const { log, lines } = open({ format: 'text' });
  log.log('error', 'failed', {}, new AepError('AEP_X', 'reject', 'the input is wrong', {}, new Error('because')));
  assert.match(lines[0]!, /ERROR failed\n {4}AEP_X: the input is wrong\n {4}caused by\n {4}Error: because\n {8}at /);
});

test('no value can look like another fact or another line', () => {
  const { log, lines } = open({ format: 'text' });
  log.log('info', 'named', { app: 'a b=1\nINFO forged', plain: 'orders@bus' });
  assert.match(lines[0]!, /INFO {2}named {2}app="a b=1\\nINFO forged" plain=orders@bus\n$/);
  assert.equal(lines[0]!.split('\n').length, 2);
});

test('a message of several lines cannot forge one either', () => {
  const { log, lines } = open({ format: 'text' });
  log.log('info', 'first\nsecond');
  assert.equal(lines[0]!.split('\n').filter((line) => line.startsWith('second')).length, 0);
});

test('facts that are secrets by their names are not written', () => {
  const { log, lines } = open();
  log.log('info', 'connected', { user: 'x', brokerPassword: 'hunter2', apiKey: 'k' });
  assert.doesNotMatch(lines[0]!, /hunter2|"k"/);
  assert.match(lines[0]!, /"user":"x","brokerPassword":"\(secret\)","apiKey":"\(secret\)"/);
});

test('a part has a level of its own, by its name or by its value', () => {
  const { log, lines } = open({ level: 'warn', levels: { bus: 'debug', till: 'info' } });
  log.log('info', 'no');
  log.child({ bus: 'shop' }).log('debug', 'yes, a bus');
  log.child({ engine: 'till' }).log('info', 'yes, the till');
  log.child({ engine: 'board' }).log('info', 'no');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ['yes, a bus', 'yes, the till'],
  );
});
