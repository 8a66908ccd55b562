import { decodeRun, type JournalRecord, LayoutError } from './journal-record.js';

/** What one engine has on its disk: the raw material of all checks. */
export interface EngineImage {
  readonly engine: string;
  readonly incarnation: number;
  readonly records: readonly JournalRecord[];
  readonly confirmedTxId: number;
  readonly appliedTxId: number;
  /** `tableId/key in hex` -> value in hex. */
  readonly tables: ReadonlyMap<string, string>;
  /** Why the journal could not be read to its end. */
  readonly damage: string | undefined;
}

/** What is read from a disk, before anything is understood of it. */
export interface RawEngine {
  readonly engine: string;
  readonly incarnation: number;
  /** Values of the journal in key order. */
  readonly runs: Iterable<Uint8Array>;
  readonly confirmedTxId: number;
  readonly appliedTxId: number;
  readonly entries: Iterable<{
    readonly tableId: number;
    readonly key: Uint8Array;
    readonly value: Uint8Array;
  }>;
}

export function engineImage(raw: RawEngine): EngineImage {
  const records: JournalRecord[] = [];
  let damage: string | undefined;
  try {
    for (const run of raw.runs) records.push(...decodeRun(Buffer.from(run)));
  } catch (thrown) {
    if (!(thrown instanceof LayoutError) && !(thrown instanceof RangeError)) throw thrown;
    damage = thrown.message;
  }
  const tables = new Map<string, string>();
  for (const { tableId, key, value } of raw.entries) tables.set(entryName(tableId, key), hex(value));
  const { engine, incarnation, confirmedTxId, appliedTxId } = raw;
  return { engine, incarnation, records, confirmedTxId, appliedTxId, tables, damage };
}

export function entryName(tableId: number, key: Uint8Array): string {
  return `${tableId}/${hex(key)}`;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
