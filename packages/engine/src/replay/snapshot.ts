import { AepError, describeError } from '@aep/kernel';
import { LocalCause, type RecordReader, Section, Table, type TableReader } from '@aep/store';
import type { StateCodec } from '../app/app-definition.js';
import { decodeEntry, encodeEntry, orderedNumber } from '../services/system-entry.js';
import type { OpenTransaction } from '../transaction/open-transaction.js';
import { contentOf } from './replay-difference.js';

/** What stands under key 0 of {@link Table.snapshot}; the saved state follows in chunks under 1, 2, 3 … */
export interface SnapshotHead {
  /** The last transaction that is in it. */
  readonly txId: number;
  readonly chunks: number;
}

export interface Snapshot extends SnapshotHead {
  readonly saved: Uint8Array;
}

/** Label of the transaction that takes one. */
export const SNAPSHOT_LABEL = 'snapshot';

const CHUNK_BYTES = 8 * 1024 * 1024;

/** Puts a snapshot into the transaction; the chunks of a longer one before it are removed. */
export function putSnapshot(
  transaction: OpenTransaction,
  { txId, saved }: { readonly txId: number; readonly saved: Uint8Array },
  chunksBefore: number,
  onSealed: (head: SnapshotHead) => void,
): void {
  const chunks = Math.ceil(saved.length / CHUNK_BYTES);
  const head: SnapshotHead = { txId, chunks };
  transaction.change({
    tableId: Table.snapshot,
    key: orderedNumber(0),
    value: encodeEntry(head, NO_BYTES),
    onSealed: () => onSealed(head),
  });
  for (let index = 0; index < Math.max(chunks, chunksBefore); index++) {
    const value = index < chunks ? saved.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES) : undefined;
    transaction.change({ tableId: Table.snapshot, key: orderedNumber(index + 1), value });
  }
}

/** Of the last snapshot that the tables hold. */
export function snapshotHeadIn(tables: TableReader): SnapshotHead | undefined {
  const entry = tables.get(Table.snapshot, orderedNumber(0));
  return entry === undefined ? undefined : (decodeEntry(entry).head as SnapshotHead);
}

/** The saved state of a snapshot that the tables hold. */
export function savedIn(tables: TableReader, { chunks }: SnapshotHead): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let index = 0; index < chunks; index++) parts.push(tables.get(Table.snapshot, orderedNumber(index + 1))!);
  return Buffer.concat(parts);
}

/** The snapshot that the open record takes; undefined when it takes none. */
export function snapshotOf(reader: RecordReader): Snapshot | undefined {
  let head: SnapshotHead | undefined;
  const parts: Uint8Array[] = [];
  reader.rewind();
  while (reader.next()) {
    if (reader.tag === Section.localCause && reader.localKind !== LocalCause.command) return undefined;
    if (reader.tag !== Section.put || reader.tableId !== Table.snapshot) continue;
    if (head === undefined) head = decodeEntry(contentOf(reader)).head as SnapshotHead;
    else parts.push(contentOf(reader));
  }
  return head === undefined ? undefined : { ...head, saved: Buffer.concat(parts) };
}

/** @throws AEP_SNAPSHOT_UNREADABLE (fatal) with what the codec threw */
export function loadState(codec: StateCodec, { txId, saved }: { txId: number; saved: Uint8Array }): unknown {
  try {
    return codec.load(saved);
  } catch (thrown) {
    throw new AepError(
      'AEP_SNAPSHOT_UNREADABLE',
      'fatal',
      `the stateCodec cannot load the snapshot of transaction ${txId} (${saved.length} bytes): ${describeError(thrown)}: a newer application must load what an older one saved`,
      { txId, bytes: saved.length },
      thrown,
    );
  }
}

const NO_BYTES = new Uint8Array(0);
