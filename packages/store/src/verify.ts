import { AepError, type Clock, toError } from '@aep/kernel';
import { RecordFold } from './fold.js';
import type { JournalReader } from './journal.js';
import { RecordReader } from './record-reader.js';
import type { StoreSnapshot } from './store.js';
import type { TableSink } from './tables.js';

export interface VerifyOptions {
  readonly clock: Clock;
  /** Where to begin. @default the oldest record */
  readonly fromTxId?: number;
  /** Compares these tables with the fold of the journal; possible only when the journal reaches back to record 1. The caller closes it. */
  readonly snapshot?: StoreSnapshot;
  readonly onProgress?: (checkedTxId: number, lastTxId: number) => void;
}

export interface VerifyReport {
  readonly firstTxId: number;
  readonly lastTxId: number;
  readonly recordsChecked: number;
  /** The first record that cannot be trusted, and why; undefined when all are good. */
  readonly bad: { readonly txId: number; readonly error: AepError } | undefined;
  /** `not compared` when no snapshot was given, the journal has been trimmed, or a record is bad. */
  readonly tables: 'equal' | 'different' | 'not compared';
  /** The first entry that differs, when `tables` is `different`. */
  readonly difference: { readonly tableId: number; readonly keyHex: string } | undefined;
  readonly elapsedMs: number;
}

/**
 * Reads every record of a journal and checks numbering, checksums and the chain of hashes; compares the tables with the
 * fold, when it can. Never throws for damage: the report names the first bad record. Yields to the event loop after
 * every run of records.
 */
export async function verifyStore(journal: JournalReader, options: VerifyOptions): Promise<VerifyReport> {
  const { clock, snapshot } = options;
  const startedMs = clock.monotonicMs();
  const firstTxId = options.fromTxId ?? journal.firstTxId;
  const lastTxId = journal.stableTxId;
  const folded = snapshot !== undefined && firstTxId === 1 ? new FoldedTables(snapshot.appliedTxId) : undefined;
  const walk = new ChainWalk(firstTxId, folded);
  let bad: VerifyReport['bad'];
  try {
    for (const run of firstTxId <= lastTxId ? journal.readRuns(firstTxId) : []) {
      if (walk.nextTxId > lastTxId) break;
      walk.run(run.bytes, run.start, run.end);
      options.onProgress?.(walk.nextTxId - 1, lastTxId);
      await new Promise<void>((resolve) => {
        clock.defer(resolve);
      });
    }
    if (walk.nextTxId <= lastTxId) throw endsEarly(walk.nextTxId, lastTxId);
  } catch (thrown) {
    bad = { txId: walk.nextTxId, error: thrown instanceof AepError ? thrown : unreadable(walk.nextTxId, thrown) };
  }
  const isComparable = bad === undefined && snapshot !== undefined && folded !== undefined;
  const difference = isComparable ? differenceOf(folded, snapshot) : undefined;
  return {
    firstTxId,
    lastTxId,
    recordsChecked: walk.nextTxId - firstTxId,
    bad,
    tables: !isComparable ? 'not compared' : difference === undefined ? 'equal' : 'different',
    difference,
    elapsedMs: clock.monotonicMs() - startedMs,
  };
}

class ChainWalk {
  private readonly reader = new RecordReader();
  private readonly hash = { low: 0, high: 0 };
  private readonly fold = new RecordFold();
  private isAnchored: boolean;

  constructor(
    public nextTxId: number,
    private readonly folded: FoldedTables | undefined,
  ) {
    // Record 1 continues nothing: its previous hash is 0. The first record of a trimmed journal cannot be checked.
    this.isAnchored = nextTxId === 1;
  }

  run(bytes: Uint8Array, start: number, end: number): void {
    const { reader } = this;
    for (let at = start; at < end;) {
      at = reader.open(bytes, at, end);
      reader.checkFollows(this.nextTxId - 1, this.isAnchored ? this.hash : reader.previousHash);
      if (this.folded !== undefined && reader.txId <= this.folded.upToTxId) this.fold.fold(reader, this.folded);
      else while (reader.next());
      this.hash.low = reader.hash.low;
      this.hash.high = reader.hash.high;
      this.isAnchored = true;
      this.nextTxId++;
    }
  }
}

/** The tables as the journal says they are; in memory. */
class FoldedTables implements TableSink {
  private readonly tables = new Map<number, Map<string, Uint8Array>>();

  constructor(readonly upToTxId: number) {}

  put(tableId: number, key: Uint8Array, value: Uint8Array): void {
    this.table(tableId).set(Buffer.from(key).toString('hex'), value.slice());
  }

  delete(tableId: number, key: Uint8Array): void {
    this.table(tableId).delete(Buffer.from(key).toString('hex'));
  }

  difference(snapshot: StoreSnapshot): VerifyReport['difference'] {
    for (const [tableId, expected] of this.tables) {
      let found = 0;
      for (const { key, value } of snapshot.range(tableId)) {
        const keyHex = Buffer.from(key).toString('hex');
        const should = expected.get(keyHex);
        if (should === undefined || Buffer.compare(should, value) !== 0) return { tableId, keyHex };
        found++;
      }
      if (found === expected.size) continue;
      for (const keyHex of expected.keys()) {
        if (snapshot.get(tableId, Buffer.from(keyHex, 'hex')) === undefined) return { tableId, keyHex };
      }
    }
    return undefined;
  }

  private table(tableId: number): Map<string, Uint8Array> {
    let table = this.tables.get(tableId);
    if (table === undefined) {
      table = new Map();
      this.tables.set(tableId, table);
    }
    return table;
  }
}

/** An entry that its table refuses to read differs. */
function differenceOf(folded: FoldedTables, snapshot: StoreSnapshot): VerifyReport['difference'] {
  try {
    return folded.difference(snapshot);
  } catch (thrown) {
    const { tableId, keyHex } = thrown instanceof AepError ? thrown.facts : {};
    if (typeof tableId !== 'number' || typeof keyHex !== 'string') throw thrown;
    return { tableId, keyHex };
  }
}

function endsEarly(txId: number, lastTxId: number): AepError {
  return new AepError(
    'AEP_RECORD_CORRUPT',
    'fatal',
    `record ${txId} is missing; the journal should reach ${lastTxId}`,
    { txId, lastTxId },
  );
}

function unreadable(txId: number, thrown: unknown): AepError {
  return new AepError(
    'AEP_RECORD_CORRUPT',
    'fatal',
    `record ${txId} cannot be read: ${toError(thrown).message}`,
    { txId },
    thrown,
  );
}
