import { InvalidArgumentError } from 'commander';

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** For options that are whole numbers within bounds. */
export function integerWithin(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `${least}..${most}`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };
}
