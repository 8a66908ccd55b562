/** A point in time or a span: whole seconds and nanoseconds. */
interface Time {
  readonly seconds: bigint;
  readonly nanos: number;
}

const secondsMin = -62_135_596_800n; // 0001-01-01T00:00:00Z
const secondsMax = 253_402_300_799n; // 9999-12-31T23:59:59Z
const spanMax = 315_576_000_000n;
const nanosPerSecond = 1_000_000_000;

/** RFC 3339 in UTC; `undefined` outside of the years 1 to 9999. */
export function formatTimestamp({ seconds, nanos }: Time): string | undefined {
  if (seconds < secondsMin || seconds > secondsMax || nanos < 0 || nanos >= nanosPerSecond) return undefined;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${text}${fraction(nanos)}Z`;
}

export function parseTimestamp(text: string): Time | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/.exec(text);
  if (match === null) return undefined;
  const [, date, time, digits = '', sign, hours = '0', minutes = '0'] = match;
  const local = Date.parse(`${date}T${time}Z`);
  // Date.parse takes 24:00:00 and rolls 31 April over; both are not what was meant.
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 19) !== `${date}T${time}`) return undefined;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
  const seconds = BigInt(local / 1000 - offset);
  if (seconds < secondsMin || seconds > secondsMax) return undefined;
  return { seconds, nanos: Number(digits.padEnd(9, '0')) };
}

/** Seconds with `s` behind them; `undefined` beyond 10,000 years or when the signs differ. */
export function formatDuration({ seconds, nanos }: Time): string | undefined {
  if (seconds < -spanMax || seconds > spanMax || Math.abs(nanos) >= nanosPerSecond) return undefined;
  if ((seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0)) return undefined;
  const sign = seconds < 0n || nanos < 0 ? '-' : '';
  return `${sign}${seconds < 0n ? -seconds : seconds}${fraction(Math.abs(nanos))}s`;
}

export function parseDuration(text: string): Time | undefined {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', digits = ''] = match;
  const seconds = BigInt(whole);
  if (seconds > spanMax) return undefined;
  const nanos = Number(digits.padEnd(9, '0'));
  // Not -0, which an int32 field would refuse.
  return sign === '-' ? { seconds: -seconds, nanos: nanos === 0 ? 0 : -nanos } : { seconds, nanos };
}

/** 0, 3, 6 or 9 digits. */
function fraction(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  return `.${digits.replace(/(?:000){1,2}$/, '')}`;
}
