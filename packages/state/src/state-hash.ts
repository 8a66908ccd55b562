import { HEADER_BYTES, hashRecord } from '@aep/store';
import type { Encodable } from '@aep/store';
import type { EntityTable } from './entity-table.js';

/**
 * A hash over a set of entries that does not depend on the order in which they are added: the sum of 64-bit hashes of
 * (table, key, value). It tells different states apart by chance of 2^-64; it is no defence against a forger.
 */
export class StateHash {
  private low = 0;
  private high = 0;
  private entries = 0;
  private bytes = new Uint8Array(4096);
  private view = new DataView(this.bytes.buffer);
  private readonly entryHash = { low: 0, high: 0 };

  add(tableId: number, key: Uint8Array, value: Uint8Array): void {
    const valueStart = this.startEntry(tableId, key, key.length, value.length);
    this.bytes.set(value, valueStart);
    this.finishEntry(valueStart + value.length);
  }

  addEncodable(tableId: number, key: Uint8Array, keyLength: number, value: Encodable): void {
    const valueStart = this.startEntry(tableId, key, keyLength, value.$encodedSize());
    this.finishEntry(value.$encodeTo(this.bytes, valueStart));
  }

  /** All present entries of a table: what changed in memory since the last checkpoint, and the durable rest. */
  addTable(table: EntityTable): void {
    const key = new Uint8Array(2048);
    for (const entry of table.entriesInMemory()) {
      if (!table.differsFromSource(entry) || !entry.present) continue;
      this.addEncodable(table.id, key, table.codec.encode(entry.key, key), entry.entity);
    }
    for (const stored of table.source.range(table.id)) {
      const entry = table.inMemory(table.codec.decode(stored.key));
      if (entry === undefined || !table.differsFromSource(entry)) this.add(table.id, stored.key, stored.value);
    }
  }

  /** Number of entries, a colon, and 16 hexadecimal digits. */
  digest(): string {
    return `${this.entries}:${hex(this.high)}${hex(this.low)}`;
  }

  private startEntry(tableId: number, key: Uint8Array, keyLength: number, valueLength: number): number {
    const keyStart = HEADER_BYTES + 8;
    this.reserve(keyStart + keyLength + valueLength);
    this.view.setUint32(HEADER_BYTES, tableId);
    this.view.setUint32(HEADER_BYTES + 4, keyLength);
    this.bytes.set(keyLength === key.length ? key : key.subarray(0, keyLength), keyStart);
    return keyStart + keyLength;
  }

  private finishEntry(end: number): void {
    // The journal's hash skips the hash field of a record's header; here the header is all zero.
    hashRecord(this.view, 0, end, this.entryHash);
    this.low = (this.low + this.entryHash.low) >>> 0;
    this.high = (this.high + this.entryHash.high) >>> 0;
    this.entries++;
  }

  private reserve(needed: number): void {
    if (needed <= this.bytes.length) return;
    this.bytes = new Uint8Array(2 * needed);
    this.view = new DataView(this.bytes.buffer);
  }
}

function hex(half: number): string {
  return half.toString(16).padStart(8, '0');
}
