import { createHash } from 'node:crypto';
import { AepError, type Clock } from '@aep/kernel';
import {
  type Journal,
  type JournalReader,
  RecordFold,
  RecordReader,
  SYSTEM_TABLES_FROM,
  TABLE_ID_MAX,
  type TableEntry,
} from '@aep/store';

interface CopyOptions {
  /** The last record that is copied. */
  readonly toTxId: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onCopied: (done: number, total: number) => void;
}

/**
 * Appends the records of a journal to an empty one; each is checked against its checksum. Settles when all are stable.
 *
 * @returns ids of the tables that the records change
 * @throws AEP_RECORD_CORRUPT, AEP_CLI_INTERRUPTED, and what the other journal fails with
 */
export async function copyRecords(from: JournalReader, to: Journal, options: CopyOptions): Promise<Set<number>> {
  const { toTxId, clock, signal, onCopied } = options;
  const tableIds = new Set<number>();
  const noteTable = (tableId: number): void => void tableIds.add(tableId);
  const sink = { put: noteTable, delete: noteTable };
  const reader = new RecordReader();
  const fold = new RecordFold();
  const stability = new Stability(to);
  for (const { txId, bytes } of toTxId === 0 ? [] : from.read(1)) {
    if (txId > toTxId) break;
    if (signal.aborted) throw interrupted(txId);
    reader.open(bytes);
    fold.fold(reader, sink);
    while (to.append(bytes, bytes.length) !== 'accepted') {
      to.commit();
      await stability.reached(txId - 1);
    }
    if (txId % RECORDS_PER_TURN !== 0) continue;
    onCopied(txId, toTxId);
    to.commit();
    await new Promise<void>((resolve) => {
      clock.defer(resolve);
    });
  }
  to.commit();
  await stability.reached(toTxId);
  return tableIds;
}

const RECORDS_PER_TURN = 1_000;

/** The callbacks of a journal as promises. */
class Stability {
  private wake: () => void = () => {};
  private failure: AepError | undefined;

  constructor(private readonly journal: Journal) {
    journal.listen({
      onStable: () => this.wake(),
      onFailure: (error) => {
        this.failure = error;
        this.wake();
      },
    });
  }

  async reached(txId: number): Promise<void> {
    while (this.journal.stableTxId < txId) {
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

interface Tables {
  range(tableId: number): Iterable<TableEntry>;
}

export interface Comparison {
  /** SHA-256 over all entries, in order of table and key. */
  readonly originalHash: string;
  readonly replayedHash: string;
  readonly entries: number;
  /** The first entry that only one side has, or that has two values. */
  readonly difference: { readonly tableId: number; readonly key: Uint8Array } | undefined;
}

/** Ids of an app's tables are field numbers; those beyond are looked at when a record names them. */
const FIELD_TABLES = 256;

/** Compares all entries of two sets of tables. @param named tables that records have changed */
export function compareTables(original: Tables, replayed: Tables, named: ReadonlySet<number>): Comparison {
  const ids = new Set(named);
  for (let id = 0; id < FIELD_TABLES; id++) ids.add(id);
  for (let id = SYSTEM_TABLES_FROM; id <= TABLE_ID_MAX; id++) ids.add(id);
  const hashes = [createHash('sha256'), createHash('sha256')] as const;
  let entries = 0;
  let difference: Comparison['difference'];
  for (const tableId of [...ids].toSorted((left, right) => left - right)) {
    const left = original.range(tableId)[Symbol.iterator]();
    const right = replayed.range(tableId)[Symbol.iterator]();
    for (let pair = [left.next(), right.next()] as const; ; pair = [left.next(), right.next()]) {
      const [one, other] = pair.map(({ done, value }) => (done === true ? undefined : value));
      if (one === undefined && other === undefined) break;
      entries++;
      if (one !== undefined) hashes[0].update(entryBytes(tableId, one));
      if (other !== undefined) hashes[1].update(entryBytes(tableId, other));
      difference ??= firstOf(tableId, one, other);
    }
  }
  const [originalHash, replayedHash] = [hashes[0].digest('hex'), hashes[1].digest('hex')];
  return { originalHash, replayedHash, entries, difference };
}

function firstOf(
  tableId: number,
  one: TableEntry | undefined,
  other: TableEntry | undefined,
): Comparison['difference'] {
  if (one === undefined || other === undefined) return { tableId, key: (one ?? other)!.key.slice() };
  const order = Buffer.compare(one.key, other.key);
  if (order === 0 && Buffer.compare(one.value, other.value) === 0) return undefined;
  // The smaller key is the one that the other side does not have.
  return { tableId, key: (order <= 0 ? one : other).key.slice() };
}

/** Lengths keep two entries from looking like two others. */
function entryBytes(tableId: number, { key, value }: TableEntry): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(tableId, 0);
  head.writeUInt16LE(key.length, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, key, value]);
}

function interrupted(txId: number): AepError {
  const message = `interrupted before record ${txId}: what was replayed is no whole store; remove it and replay again`;
  return new AepError('AEP_CLI_INTERRUPTED', 'retry', message, { txId });
}
