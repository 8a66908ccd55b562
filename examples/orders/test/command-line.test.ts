import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine } from '@aep/example-orders';

test('without arguments the sample is run with state in .aep', () => {
  assert.deepEqual(parseCommandLine([]), { input: undefined, data: '.aep', json: false, help: false });
});

test('options are read in both spellings', () => {
  const expected = { input: 'a.csv', data: 'd', json: true, help: false };
  assert.deepEqual(parseCommandLine(['--input', 'a.csv', '--data', 'd', '--json']), expected);
  assert.deepEqual(parseCommandLine(['--input=a.csv', '--data=d', '--json']), expected);
});

test('a mistyped option is named, with the one that was meant', () => {
  const usage = { code: 'AEP_ORDERS_USAGE', advice: 'reject' };
  assert.throws(() => parseCommandLine(['--inptu', 'a.csv']), {
    ...usage,
    message: /'--inptu'.*did you mean "input".*--help/,
  });
  assert.throws(() => parseCommandLine(['--json=yes']), { ...usage, message: /--json/ });
  assert.throws(() => parseCommandLine(['--input']), { ...usage, message: /--input/ });
  assert.throws(() => parseCommandLine(['--data=']), { ...usage, message: /need a value/ });
  assert.throws(() => parseCommandLine(['a.csv']), { ...usage, message: /a\.csv/ });
});
