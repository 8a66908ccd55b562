import type { Key } from 'lmdb';

/** A key of the tables database: table id and `bytes[start, end)`. An instance is reused; lmdb copies it out at once. */
export class TableKey {
  start = 0;
  end: number;

  constructor(
    public tableId: number,
    public bytes: Uint8Array,
  ) {
    this.end = bytes.length;
  }

  at(tableId: number, bytes: Uint8Array, start: number, end: number): void {
    this.tableId = tableId;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }
}

/** lmdb's declarations know only its own kinds of keys; this one is turned into bytes by {@link tableKeyEncoder}. */
export function asLmdbKey(key: TableKey): Uint8Array {
  return key as unknown as Uint8Array;
}

/** Table ids have 16 bits. */
export const TABLE_ID_MAX = 0xffff;

/** u16 big-endian table id, then the key: tables lie one after another, each in key order. */
export const tableKeyEncoder = {
  writeKey(key: Key, target: Buffer, start: number): number {
    const { tableId, bytes, start: from, end } = key as unknown as TableKey;
    target[start] = tableId >>> 8;
    target[start + 1] = tableId;
    const length = end - from;
    // Keys are short: a loop is faster than a call into the engine's copy.
    if (length <= 64) for (let index = 0; index < length; index++) target[start + 2 + index] = bytes[from + index]!;
    else target.set(bytes.subarray(from, end), start + 2);
    return start + 2 + length;
  },
  /** The table id is known to whoever scans, so it is left out. */
  readKey(source: Buffer, start: number, end: number): Uint8Array {
    return Uint8Array.prototype.slice.call(source, start + 2, end);
  },
};
