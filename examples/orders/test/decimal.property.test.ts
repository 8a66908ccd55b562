import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatPence, parseMicros } from '@aep/example-orders';

test('every decimal with up to nine digits before and six behind the point is read exactly', () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 15n) + 1n, 10n ** 15n - 1n), (micros) => {
      const size = micros < 0n ? -micros : micros;
      const text = `${micros < 0n ? '-' : ''}${size / 1_000_000n}.${String(size % 1_000_000n).padStart(6, '0')}`;
      assert.equal(parseMicros(text), Number(micros));
      assert.equal(parseMicros(text.replace(/0+$/, '')), Number(micros));
    }),
  );
});

test('pence are printed so that nothing is lost', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (micros) => {
      const text = formatPence(micros);
      const [whole = '', fraction = ''] = text.replace('-', '').split('.');
      const back = BigInt(whole) * 10_000n + BigInt(fraction.padEnd(4, '0'));
      assert.equal(text.startsWith('-') ? -back : back, micros);
      assert.match(text, /^-?\d+(\.\d{0,3}[1-9])?$/);
    }),
  );
});

test('what is no plain decimal is refused', () => {
  for (const text of [
    '',
    '.',
    '-',
    '1e3',
    '1,5',
    '0x1',
    ' 1',
    '1 ',
    'NaN',
    '1.2.3',
    '--1',
    '1234567890',
    '0.1234567',
    '٣',
  ]) {
    assert.equal(parseMicros(text), undefined, JSON.stringify(text));
  }
  assert.equal(Object.is(parseMicros('-0'), 0), true);
  assert.equal(parseMicros('+.5'), 500_000);
  assert.equal(parseMicros('3.'), 3_000_000);
  assert.equal(parseMicros('2.5500000000'), 2_550_000);
});
