/** Millionths in one: prices carry at most six decimals. */
const DECIMALS = 6;
const WHOLE_DIGITS_MAX = 9;

/**
 * A decimal such as `2.55` or `-0.001` as a count of millionths, without floating point on the way.
 *
 * @returns undefined when it is no plain decimal, has more than six decimals or more than nine digits before the point
 */
export function parseMicros(text: string): number | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  const digits = whole.replace(/^0+/, '');
  // Zeros at the end say nothing, so 2.5500000000 is fine.
  const decimals = fraction.replace(/0+$/, '');
  if (whole === '' && fraction === '') return undefined;
  if (digits.length > WHOLE_DIGITS_MAX || decimals.length > DECIMALS) return undefined;
  const micros = Number(digits + decimals.padEnd(DECIMALS, '0'));
  return sign === '-' && micros !== 0 ? -micros : micros;
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?$/;

/** Millionths of a pound as pence: `12345` or, when it is not whole, `12345.67`; exact. */
export function formatPence(amountMicros: bigint): string {
  const sign = amountMicros < 0n ? '-' : '';
  const size = amountMicros < 0n ? -amountMicros : amountMicros;
  const fraction = String(size % MICROS_PER_PENNY)
    .padStart(4, '0')
    .replace(/0+$/, '');
  return `${sign}${size / MICROS_PER_PENNY}${fraction === '' ? '' : `.${fraction}`}`;
}

const MICROS_PER_PENNY = 10_000n;
