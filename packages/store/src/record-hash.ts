import type { RecordHash } from './journal.js';
import { HASH_OFFSET, HEADER_BYTES } from './record-layout.js';

export const NO_HASH: RecordHash = { low: 0, high: 0 };

/**
 * Hashes the record `bytes[start, end)` except its own hash field: 64 bits in two 32-bit lanes, eight bytes a step.
 * Each step is a bijection of the state for given input and injective in the input, so a change within one aligned
 * 8-byte word is always seen; any other change is missed with probability 2^-64. Not against forgers.
 *
 * The result is left in the arguments' stead in `into`, so that a record costs no allocation.
 */
export function hashRecord(view: DataView, start: number, end: number, into: { low: number; high: number }): void {
  into.low = 0x9e3779b9;
  into.high = 0x85ebca6b;
  mixWords(view, start, start + HASH_OFFSET, into);
  mixWords(view, start + HEADER_BYTES, end, into);
  finish(end - start, into);
}

function mixWords(view: DataView, start: number, end: number, state: { low: number; high: number }): void {
  let low = state.low;
  let high = state.high;
  let offset = start;
  for (; offset + 8 <= end; offset += 8) {
    low = Math.imul(low ^ view.getInt32(offset, true), 0xcc9e2d51);
    low = ((low << 13) | (low >>> 19)) + high;
    high = Math.imul(high ^ view.getInt32(offset + 4, true), 0x1b873593);
    high = ((high << 17) | (high >>> 15)) + low;
  }
  for (; offset < end; offset++) {
    low = Math.imul(low ^ view.getUint8(offset), 0xcc9e2d51);
    low = ((low << 13) | (low >>> 19)) + high;
    high = Math.imul(high, 0x1b873593) + low;
  }
  state.low = low;
  state.high = high;
}

function finish(length: number, state: { low: number; high: number }): void {
  let low = state.low ^ length;
  let high = state.high ^ Math.imul(length, 0x5bd1e995);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) + high;
  high = Math.imul(high ^ (high >>> 13), 0xc2b2ae35) + low;
  low = Math.imul(low ^ (low >>> 15), 0x27d4eb2f) + high;
  high = Math.imul(high ^ (high >>> 16), 0x165667b1) + low;
  state.low = (low ^ (low >>> 13)) >>> 0;
  state.high = (high ^ (high >>> 15)) >>> 0;
}
