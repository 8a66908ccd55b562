import type { AepError } from '@aep/kernel';
import type { Transaction } from 'lmdb';
import { CHECK_BYTES, checkOf, entryCorrupt, keySeed, type ViewedBytes, viewed } from './entry-check.js';
import type { BytesDatabase } from './environment.js';
import { asLmdbKey, type TableKey } from './table-key.js';

/** lmdb's declaration leaves the options of getBinaryFast out. */
interface FastReads {
  getBinaryFast(key: Uint8Array, options?: { transaction?: Transaction | undefined }): Uint8Array | undefined;
}

/** The one way by which values come out of the tables: each is checked before anybody sees it (S5). */
export class EntryReader {
  /** lmdb reads into one buffer again and again, so its view is made once. */
  private fast: ViewedBytes = viewed(new Uint8Array(0));

  /** @param onDamage an entry is not what was written: called before the error is thrown, each time */
  constructor(private readonly onDamage: (error: AepError) => void) {}

  /** @returns a copy of the value. @throws AEP_TABLE_ENTRY_CORRUPT */
  get(tables: BytesDatabase, key: TableKey, transaction?: Transaction): Uint8Array | undefined {
    const bytes = (tables as unknown as FastReads).getBinaryFast(
      asLmdbKey(key),
      transaction === undefined ? undefined : { transaction },
    );
    if (bytes === undefined) return undefined;
    if (this.fast.bytes !== bytes) this.fast = viewed(bytes);
    const { tableId, bytes: keyBytes, start, end } = key;
    // lmdb's buffer is longer than the value, but its `length` is that of the value.
    const length = bytes.length - CHECK_BYTES;
    if (!this.isWhole(keySeed(tableId, keyBytes, start, end), this.fast.view, length))
      throw this.damaged(tableId, keyBytes.subarray(start, end));
    return Uint8Array.prototype.slice.call(bytes, 0, length);
  }

  /** The value of an entry that was read as a copy. @throws AEP_TABLE_ENTRY_CORRUPT */
  open(tableId: number, key: Uint8Array, bytes: Uint8Array): Uint8Array {
    const length = bytes.length - CHECK_BYTES;
    const { view } = viewed(bytes);
    if (!this.isWhole(keySeed(tableId, key, 0, key.length), view, length)) throw this.damaged(tableId, key);
    return bytes.subarray(0, length);
  }

  private isWhole(seed: number, view: DataView, length: number): boolean {
    return length >= 0 && view.getInt32(length, true) === checkOf(seed, view, 0, length);
  }

  private damaged(tableId: number, key: Uint8Array): AepError {
    const error = entryCorrupt(tableId, key);
    this.onDamage(error);
    return error;
  }
}
