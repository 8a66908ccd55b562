import { AepError } from '@aep/kernel';
import type { TableChange } from '@aep/store';

/** Behind each value of a table lie this many bytes: its checksum, little-endian. */
export const CHECK_BYTES = 4;

/** Bytes beside a view of the same bytes: a view reads four of them at once. */
export interface ViewedBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export function viewed(bytes: Uint8Array): ViewedBytes {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/**
 * The checksum of an entry of a table: 32 bits over table id, key and value, so that the value of another key is as wrong as
 * a flipped bit. Two lanes of 32 bits, eight bytes a step; each step is a bijection of its lane for given input and
 * injective in the input, so a change within one aligned word of four bytes is always seen, any other one is missed with
 * probability 2^-32. Against accidents, not forgers. Of what was tried it costs least for values of 20 to 200 bytes: a call
 * of `zlib.crc32` takes longer than all of this.
 *
 * @param seed of the key, by {@link keySeed}
 * @param view of which `[start, end)` is the value
 */
export function checkOf(seed: number, view: DataView, start: number, end: number): number {
  let low = seed;
  let high = HIGH_SEED;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    low = Math.imul(low ^ view.getInt32(at, true), LOW_FACTOR);
    low ^= low >>> 15;
    high = Math.imul(high ^ view.getInt32(at + 4, true), HIGH_FACTOR);
    high ^= high >>> 13;
  }
  for (; at < end; at++) {
    low = Math.imul(low ^ view.getUint8(at), LOW_FACTOR);
    low ^= low >>> 15;
  }
  return finish(low, high, end - start);
}

/** Copies the value of a change and answers its checksum: one pass over the bytes costs less than two. */
export function copyChecked(seed: number, change: ValuePlace, to: DataView, toAt: number): number {
  const { valueView: from, valueStart: start, valueEnd: end } = change;
  let low = seed;
  let high = HIGH_SEED;
  let at = start;
  let target = toAt;
  for (; at + 8 <= end; at += 8, target += 8) {
    const first = from.getInt32(at, true);
    const second = from.getInt32(at + 4, true);
    to.setInt32(target, first, true);
    to.setInt32(target + 4, second, true);
    low = Math.imul(low ^ first, LOW_FACTOR);
    low ^= low >>> 15;
    high = Math.imul(high ^ second, HIGH_FACTOR);
    high ^= high >>> 13;
  }
  for (; at < end; at++, target++) {
    const byte = from.getUint8(at);
    to.setUint8(target, byte);
    low = Math.imul(low ^ byte, LOW_FACTOR);
    low ^= low >>> 15;
  }
  return finish(low, high, end - start);
}

/** Where a value lies. */
export type ValuePlace = Pick<TableChange, 'valueView' | 'valueStart' | 'valueEnd'>;

/** Keys are short and lie anywhere, so they are taken byte by byte. */
export function keySeed(tableId: number, bytes: Uint8Array, start: number, end: number): number {
  let hash = tableId ^ 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  // The length too: otherwise bytes could go over from the key to the value.
  hash = Math.imul(hash ^ (end - start), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

function finish(low: number, high: number, length: number): number {
  let hash = Math.imul(low ^ length, 0x27d4eb2f) ^ Math.imul(high, 0x165667b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

const HIGH_SEED = 0x2c1b3c6d;
const LOW_FACTOR = 0xcc9e2d51;
const HIGH_FACTOR = 0x1b873593;

export function entryCorrupt(
  tableId: number,
  key: Uint8Array,
  what = 'does not read back as it was written',
): AepError {
  const keyHex = Buffer.from(key).toString('hex');
  return new AepError(
    'AEP_TABLE_ENTRY_CORRUPT',
    'fatal',
    `the entry of table ${tableId} with key ${keyHex.slice(0, 128)} (hex) ${what}: take the store from another member or a backup, and keep this one for inspection`,
    { tableId, keyHex },
  );
}
