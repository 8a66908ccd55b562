import { AepError, type Clock } from '@aep/kernel';
import { ChangeMap } from './change-map.js';
import { foldRecord } from './fold.js';
import type { RecordHash } from './journal.js';
import { RecordReader } from './record-reader.js';
import type { Store } from './store.js';

export interface RecoveryProgress {
  readonly fromTxId: number;
  readonly appliedTxId: number;
  readonly toTxId: number;
}

export interface RecoveryOptions {
  readonly clock: Clock;
  /** Changed keys per write to the tables. @default 50000 */
  readonly chunkEntriesMax?: number;
  /** Journal bytes per write to the tables; two of these bound the memory that recovery takes. @default 32 MiB */
  readonly chunkBytesMax?: number;
  /** After every write. */
  readonly onProgress?: (progress: RecoveryProgress) => void;
}

export interface Recovery {
  readonly recordsFolded: number;
  readonly appliedTxId: number;
  readonly lastHash: RecordHash;
  /** Epoch of the last record; 0 when the journal is empty. */
  readonly lastEpoch: number;
  /** Highest epoch that this member has promised or written (H4). */
  readonly epoch: number;
  readonly confirmedTxId: number;
  readonly elapsedMs: number;
}

/**
 * Brings the tables up to the journal's end (E35) before the engine starts: folds the records after `appliedTxId`, in
 * chunks of bounded memory, each written in one go while the next is being folded. Every record is checked against its
 * checksum and the one before it. Interrupted, it is simply run again.
 *
 * @throws AEP_RECORD_CORRUPT naming the record, AEP_STORE_DAMAGED when journal and tables do not fit together
 */
export async function recover(store: Store, options: RecoveryOptions): Promise<Recovery> {
  const { journal, tables } = store;
  const { clock } = options;
  const startedMs = clock.monotonicMs();
  const fromTxId = tables.appliedTxId + 1;
  const toTxId = journal.stableTxId;
  checkFit(tables.appliedTxId, journal.firstTxId, toTxId);
  const tail = new Tail(options);
  // The record before the tail, when it is still there, proves that the tail continues what the tables have.
  if (tables.appliedTxId >= journal.firstTxId) tail.anchor(store);
  const chunks = new ChunkWriter(store, clock);
  try {
    for (const run of toTxId >= fromTxId ? journal.readRuns(fromTxId) : []) {
      tail.fold(run.bytes, run.start, run.end);
      if (!tail.isChunkFull) continue;
      await chunks.write(tail.takeChunk(), tail.lastTxId);
      options.onProgress?.({ fromTxId, appliedTxId: tables.appliedTxId, toTxId });
    }
    if (tail.lastTxId > tables.appliedTxId) await chunks.write(tail.takeChunk(), tail.lastTxId);
  } finally {
    // Whoever closes the store after an error must not do it under a write.
    await chunks.end();
  }
  if (tables.appliedTxId !== toTxId) throw endsEarly(tables.appliedTxId, toTxId);
  return {
    recordsFolded: toTxId - fromTxId + 1,
    appliedTxId: toTxId,
    lastHash: journal.lastHash,
    lastEpoch: journal.lastEpoch,
    epoch: Math.max(store.epoch, journal.lastEpoch),
    confirmedTxId: journal.confirmedTxId,
    elapsedMs: clock.monotonicMs() - startedMs,
  };
}

/** The fold of the journal's tail, a chunk at a time. */
class Tail {
  readonly reader = new RecordReader();
  private changes = new ChangeMap();
  lastTxId = 0;
  private readonly lastHash = { low: 0, high: 0 };
  private isAnchored = false;
  private bytes = 0;
  private readonly chunkEntriesMax: number;
  private readonly chunkBytesMax: number;

  constructor({ chunkEntriesMax = 50_000, chunkBytesMax = 32 * 1024 * 1024 }: RecoveryOptions) {
    this.chunkEntriesMax = chunkEntriesMax;
    this.chunkBytesMax = chunkBytesMax;
  }

  get isChunkFull(): boolean {
    return this.changes.size >= this.chunkEntriesMax || this.bytes >= this.chunkBytesMax;
  }

  anchor({ journal, tables }: Store): void {
    if (tables.appliedTxId === 0) return;
    for (const { bytes } of journal.read(tables.appliedTxId)) {
      this.reader.open(bytes);
      this.passed();
      return;
    }
  }

  fold(bytes: Uint8Array, start: number, end: number): void {
    const { reader } = this;
    for (let at = start; at < end;) {
      at = reader.open(bytes, at, end);
      if (this.isAnchored || reader.txId === 1) reader.checkFollows(this.lastTxId, this.lastHash);
      foldRecord(reader, this.changes);
      this.passed();
    }
    this.bytes += end - start;
  }

  takeChunk(): ChangeMap {
    const { changes } = this;
    this.changes = new ChangeMap();
    this.bytes = 0;
    return changes;
  }

  private passed(): void {
    this.lastTxId = this.reader.txId;
    this.lastHash.low = this.reader.hash.low;
    this.lastHash.high = this.reader.hash.high;
    this.isAnchored = true;
  }
}

/** Writes chunks in order, one at a time, beside whoever folds the next one. */
class ChunkWriter {
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the chunk before it is in the tables; rejects with that one's error. */
  async write(changes: ChangeMap, txId: number): Promise<void> {
    await this.writing;
    this.writing = this.apply(changes, txId);
    // Its error is thrown by the next write or the end; until then nobody looks.
    this.writing.catch(() => undefined);
  }

  async end(): Promise<void> {
    await this.writing;
  }

  private async apply(changes: ChangeMap, txId: number): Promise<void> {
    // Busy means no room on the volume (S4): a start waits for the operator rather than fail. The store's log says it.
    while (!(await this.attempt(changes, txId)));
  }

  private attempt(changes: ChangeMap, txId: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const result = this.store.tables.apply(changes, txId, (error) => {
        if (error === undefined) resolve(true);
        else reject(error);
      });
      if (result === 'busy') this.clock.schedule(BUSY_RETRY_MS, () => resolve(false));
    });
  }
}

const BUSY_RETRY_MS = 250;

function checkFit(appliedTxId: number, firstTxId: number, lastTxId: number): void {
  if (appliedTxId > lastTxId) {
    throw damaged(
      `the tables hold record ${appliedTxId}, but the journal ends at ${lastTxId}: the journal has lost its end`,
      {
        appliedTxId,
        lastTxId,
      },
    );
  }
  if (firstTxId > appliedTxId + 1) {
    throw damaged(
      `the tables end at record ${appliedTxId}, but the journal begins at ${firstTxId}: what lies between is missing`,
      {
        appliedTxId,
        firstTxId,
      },
    );
  }
}

function endsEarly(appliedTxId: number, toTxId: number): AepError {
  return damaged(`the journal should reach record ${toTxId}, but reading it ended at ${appliedTxId}`, {
    appliedTxId,
    toTxId,
  });
}

function damaged(message: string, facts: Record<string, number>): AepError {
  const advice = 'take the store from another member or a backup';
  return new AepError('AEP_STORE_DAMAGED', 'fatal', `${message}; ${advice}`, facts);
}
