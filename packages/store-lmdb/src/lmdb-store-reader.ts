import { type Clock, type Facts, type Log, silentLog, SystemClock } from '@aep/kernel';
import type { JournalReader, RecordRun, StoredRecord, StoreIdentity } from '@aep/store';
import type { VerifyReport } from '@aep/store';
import { recordsOf, within } from '@aep/store/internal';
import { closeEnvironments, type Environments, missing, openEnvironments } from './environment.js';
import { LmdbRuns } from './lmdb-runs.js';
import { LmdbTables } from './lmdb-tables.js';
import { hasFiles, isBeingCreated } from './store-creation.js';
import { MetaName, readIdentity, readNumber } from './store-meta.js';
import { verifyAll } from './verify-all.js';

export interface LmdbStoreReaderOptions {
  readonly path: string;
  /** Snapshots and scans are closed after this time (S9). @default 60000 ms */
  readonly readerDeadlineMs?: number;
  readonly clock?: Clock;
  readonly log?: Log;
}

/**
 * A store opened for reading, beside the writer in another process or without one: for the CLI. What it shows is durable;
 * `refresh()` looks again.
 */
export class LmdbStoreReader {
  readonly journal: LmdbJournalReader;
  readonly tables: Omit<LmdbTables, 'apply'>;
  private readonly runs: LmdbRuns;

  /** @internal */
  constructor(
    readonly identity: StoreIdentity,
    private readonly environments: Environments,
    private readonly clock: Clock,
    context: { log: Log; readerDeadlineMs: number },
  ) {
    this.runs = new LmdbRuns(environments);
    this.journal = new LmdbJournalReader(this.runs);
    this.tables = new LmdbTables(environments, { clock, ...context, hasRoom: () => false, onDamage: () => {} });
  }

  get epoch(): number {
    return readNumber(this.environments.journalMeta, MetaName.epoch) ?? 0;
  }

  /** Sees what the writer has made durable meanwhile. */
  refresh(): void {
    this.environments.journal.resetReadTxn();
    this.journal.refresh();
    this.tables.refresh();
  }

  statistics(): Facts {
    const { firstTxId, stableTxId, confirmedTxId } = this.journal;
    return { firstTxId, stableTxId, confirmedTxId, appliedTxId: this.tables.appliedTxId, epoch: this.epoch };
  }

  /** As that of the store that is open for writing. */
  async verify(onProgress?: (checkedTxId: number, lastTxId: number) => void): Promise<VerifyReport> {
    this.refresh();
    const { journal, tables, environments, clock } = this;
    return verifyAll({ journal, tables, environments, clock }, onProgress);
  }

  async close(): Promise<void> {
    this.tables.close();
    await closeEnvironments(this.environments);
  }
}

/** The journal as of the last `refresh`. */
export class LmdbJournalReader implements JournalReader {
  stableTxId = 0;
  firstTxId = 1;
  confirmedTxId = 0;

  /** @internal */
  constructor(private readonly runs: LmdbRuns) {
    this.refresh();
  }

  read(fromTxId: number): IterableIterator<StoredRecord> {
    return recordsOf(this.readRuns(fromTxId), fromTxId);
  }

  readRuns(fromTxId: number): IterableIterator<RecordRun> {
    return this.runs.read(fromTxId, () => this.stableTxId);
  }

  refresh(): void {
    const { firstTxId, lastTxId, confirmedTxId } = this.runs.position();
    this.firstTxId = firstTxId;
    this.stableTxId = lastTxId;
    this.confirmedTxId = confirmedTxId;
  }
}

/**
 * Opens a store for reading; a writer may be at work in another process.
 *
 * @throws AEP_STORE_MISSING, AEP_STORE_OPEN_FAILED, AEP_STORE_FORMAT, AEP_RECORD_CORRUPT
 */
export function openLmdbStoreReader(options: LmdbStoreReaderOptions): LmdbStoreReader {
  const { path, clock = new SystemClock(), log = silentLog } = options;
  const readerDeadlineMs = within('readerDeadlineMs', options.readerDeadlineMs ?? 60_000, 10, 86_400_000);
  if (!hasFiles(path) || isBeingCreated(path)) throw missing(path);
  const environments = openEnvironments({ path, mapSizeBytes: READER_MAP_BYTES, readOnly: true, noSync: false });
  try {
    const identity = readIdentity(environments.journalMeta, path);
    if (identity === undefined) throw missing(path);
    return new LmdbStoreReader(identity, environments, clock, { log, readerDeadlineMs });
  } catch (thrown) {
    void closeEnvironments(environments);
    throw thrown;
  }
}

/** Address space only; a larger file makes the map larger. */
const READER_MAP_BYTES = 16 * 1024 ** 3;
