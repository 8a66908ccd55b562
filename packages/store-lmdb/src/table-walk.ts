import type { AepError } from '@aep/kernel';
import { EntryReader } from './entry-reader.js';
import { entryCorrupt } from './entry-check.js';
import { type BytesDatabase, type Environments, openWholeTables, storeDamaged } from './environment.js';

/**
 * Reads up to so many entries of the tables from each end and proves them: each has its checksum, comes behind the one
 * before it, and is found by its key. When that are all of them, there are as many as LMDB has counted, so none is missing:
 * a damaged page above the entries would hide what lies below it, or send a look-up to another place.
 *
 * @returns how many entries were read
 * @throws AEP_TABLE_ENTRY_CORRUPT, AEP_STORE_DAMAGED
 */
export function walkTables({ state, tables }: Environments, entriesMax: number): number {
  const whole = openWholeTables(state);
  const forward = walk(whole, { start: FIRST_KEY, end: LAST_KEY, limit: entriesMax });
  if (forward === entriesMax)
    return forward + walk(whole, { start: LAST_KEY, end: FIRST_KEY, limit: entriesMax, reverse: true });
  const { entryCount } = tables.getStats() as { readonly entryCount: number };
  if (forward !== entryCount) throw entriesMissing(forward, entryCount);
  return forward;
}

interface WalkOptions {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly limit: number;
  readonly reverse?: boolean;
}

function walk(whole: BytesDatabase, options: WalkOptions): number {
  const reader = new EntryReader(() => {});
  const direction = options.reverse === true ? -1 : 1;
  let last: Uint8Array | undefined;
  let entries = 0;
  for (const { key, value } of whole.getRange(options)) {
    const tableId = (key[0]! << 8) | key[1]!;
    const inTable = key.subarray(2);
    reader.open(tableId, inTable, value);
    if (last !== undefined && Buffer.compare(key, last) !== direction)
      throw entryCorrupt(tableId, inTable, 'lies out of order');
    if (whole.getBinaryFast(key) === undefined) throw entryCorrupt(tableId, inTable, 'is not found by its key');
    last = key;
    entries++;
  }
  return entries;
}

function entriesMissing(found: number, expected: number): AepError {
  return storeDamaged(`the tables have ${found} entries where LMDB has counted ${expected}`, { found, expected });
}

// lmdb's own defaults for open ends are keys of its own kind, so both ends are given.
const FIRST_KEY = Buffer.from([0]);
const LAST_KEY = Buffer.alloc(64, 0xff);
