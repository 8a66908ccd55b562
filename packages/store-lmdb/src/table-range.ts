import type { RangeBytes } from '@aep/store';
import type { RangeOptions } from 'lmdb';
import { asLmdbKey, TableKey } from './table-key.js';

interface Bound {
  readonly key: TableKey;
  readonly isInclusive: boolean;
}

/** The bounds of one table's scan in lmdb's terms: `start` is where the scan begins, whichever way it goes. */
export function rangeOptions(tableId: number, options: RangeBytes): RangeOptions {
  const low = lowerBound(tableId, options);
  const high = upperBound(tableId, options);
  const from = options.reverse === true ? high : low;
  const to = options.reverse === true ? low : high;
  return {
    start: asLmdbKey(from.key),
    exclusiveStart: !from.isInclusive,
    end: asLmdbKey(to.key),
    inclusiveEnd: to.isInclusive,
    ...(options.reverse === true ? { reverse: true } : {}),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
  };
}

function lowerBound(tableId: number, { gte, gt }: RangeBytes): Bound {
  if (gte === undefined && gt === undefined) return { key: new TableKey(tableId, NO_BYTES), isInclusive: true };
  if (gt === undefined || (gte !== undefined && Buffer.compare(gte, gt) > 0)) {
    return { key: new TableKey(tableId, gte!), isInclusive: true };
  }
  return { key: new TableKey(tableId, gt), isInclusive: false };
}

function upperBound(tableId: number, { lte, lt }: RangeBytes): Bound {
  // One byte of 0xff more than the longest table id prefix would do for the last table too.
  if (lte === undefined && lt === undefined) return { key: endOf(tableId), isInclusive: false };
  if (lt === undefined || (lte !== undefined && Buffer.compare(lte, lt) < 0)) {
    return { key: new TableKey(tableId, lte!), isInclusive: true };
  }
  return { key: new TableKey(tableId, lt), isInclusive: false };
}

/** A key above all keys of the table: the next table's beginning, or for the last table a key longer than any. */
function endOf(tableId: number): TableKey {
  return tableId < 0xffff ? new TableKey(tableId + 1, NO_BYTES) : new TableKey(tableId, ABOVE_ALL);
}

const NO_BYTES = new Uint8Array(0);
const ABOVE_ALL = new Uint8Array(64).fill(0xff);
