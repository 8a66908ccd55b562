import { mkdirSync } from 'node:fs';
import { AepError, type Facts, toError } from '@aep/kernel';
import {
  Scrubber,
  STORE_FORMAT_VERSION,
  type Store,
  type StoreIdentity,
  type StoreOrigin,
  type VerifyReport,
} from '@aep/store';
import { newMemberId } from '@aep/store/internal';
import { logCommitDetail } from './commit-detail.js';
import { closeEnvironments, type Environments, openEnvironments, openFailed, SYNC_COMMIT } from './environment.js';
import { FoldThread } from './fold-thread.js';
import { lackOfRoom } from './free-space.js';
import { LmdbCopySnapshot } from './lmdb-copy-snapshot.js';
import { LmdbJournal } from './lmdb-journal.js';
import { LmdbRuns } from './lmdb-runs.js';
import { concludeLmdbOptions, type ConcludedLmdbOptions, type LmdbStoreOptions } from './lmdb-store-options.js';
import { LmdbTables, storeClosed } from './lmdb-tables.js';
import { beginCreation, hasFiles, isBeingCreated, isThere } from './store-creation.js';
import { baseBytes, identityBytes, MetaName, numberBytes, readIdentity, readNumber } from './store-meta.js';
import { awaitStoreLock } from './store-lock.js';
import { checkInChild, makeInChild } from './verified-open.js';
import { checkEntries, verifyAll } from './verify-all.js';

/** The store of one engine on LMDB. Made by {@link openLmdbStore}. */
export class LmdbStore implements Store {
  readonly journal: LmdbJournal;
  readonly tables: LmdbTables;
  epoch: number;
  private closing: Promise<void> | undefined;
  private readonly scrubber: Scrubber;
  private readonly foldThread: FoldThread;

  /** @internal */
  constructor(
    readonly identity: StoreIdentity,
    private readonly environments: Environments,
    private readonly options: ConcludedLmdbOptions,
    private readonly unlock: () => void,
  ) {
    const { clock, log, readerDeadlineMs, scrubIntervalMs } = options;
    this.journal = new LmdbJournal(environments, new LmdbRuns(environments), options);
    const hasRoom = (byteCount: number): boolean => lackOfRoom(options, byteCount) === undefined;
    const onDamage = (error: AepError): void => this.journal.failFromOutside(error);
    this.foldThread = new FoldThread(
      { path: options.path, mapSizeBytes: options.mapSizeBytes, noSync: options.durability === 'os' },
      log,
    );
    const { foldThread } = this;
    this.tables = new LmdbTables(environments, { clock, log, readerDeadlineMs, hasRoom, onDamage, foldThread });
    this.epoch = readNumber(environments.journalMeta, MetaName.epoch) ?? 0;
    this.scrubber = new Scrubber(this.journal, clock, { intervalMs: scrubIntervalMs, onDamage });
    if (scrubIntervalMs > 0) this.scrubber.start();
  }

  setEpoch(epoch: number, done: (error: AepError | undefined) => void): void {
    if (!this.journal.isActive) {
      this.options.clock.defer(() => done(storeClosed()));
      return;
    }
    const target = Math.max(epoch, this.epoch);
    this.environments.journalMeta.put(MetaName.epoch, numberBytes(MetaName.epoch, target)).then(
      () => {
        this.epoch = Math.max(this.epoch, target);
        done(undefined);
      },
      (thrown: unknown) => {
        logCommitDetail(thrown, this.options.log);
        const error = epochFailed(epoch, thrown);
        this.journal.failFromOutside(error);
        done(error);
      },
    );
  }

  statistics(): Facts {
    const { journal, tables, options } = this;
    return {
      ...journal.journalFacts(),
      commitMode: options.commitMode,
      syncCommits: journal.syncCommits,
      asyncCommits: journal.asyncCommits,
      syncCommitAverageMs: journal.pacer.averageSyncMs,
      runsTrimmed: journal.runsTrimmed,
      appliedTxId: tables.appliedTxId,
      applies: tables.applies,
      entriesApplied: tables.entriesApplied,
      readersOpen: tables.deadlines.openCount,
      readersExpired: tables.deadlines.expired,
      freeBytes: options.freeSpace.freeBytes(options.path),
      freeSpaceReserveBytes: options.freeSpaceReserveBytes,
      // Whoever takes readings may do it once more while the store closes.
      ...(this.closing === undefined ? sizesOf(this.environments) : {}),
      ...this.scrubber.scrubFacts(),
      epoch: this.epoch,
    };
  }

  /**
   * Checks the whole journal and each entry of the tables, and compares the tables with the journal's fold when it reaches
   * back to record 1. Beside the running engine, which a damaged entry stops.
   */
  async verify(onProgress?: (checkedTxId: number, lastTxId: number) => void): Promise<VerifyReport> {
    const { journal, tables, environments } = this;
    return verifyAll({ journal, tables, environments, clock: this.options.clock }, onProgress);
  }

  /** For a state copy (H12): see {@link LmdbCopySnapshot}. */
  copySnapshot(): LmdbCopySnapshot {
    return new LmdbCopySnapshot(this.environments, this.tables);
  }

  /**
   * Copies the store, consistently and beside the running engine, into a directory that is empty or missing. The copy has
   * the identity of this member: it is a backup, not a second member. Pages are copied as they are, so all entries of the
   * tables are checked before.
   *
   * @throws AEP_TABLE_ENTRY_CORRUPT
   */
  async copyTo(path: string): Promise<void> {
    mkdirSync(`${path}/journal`, { recursive: true });
    mkdirSync(`${path}/state`, { recursive: true });
    // The tables first: the copied journal then reaches at least as far, and is not trimmed past them meanwhile.
    this.journal.isTrimHeld = true;
    try {
      const damage = await checkEntries(this.copySnapshot(), this.options.clock);
      if (damage !== undefined) throw damage;
      await this.environments.state.backup(`${path}/state`, false);
      await this.environments.journal.backup(`${path}/journal`, false);
    } finally {
      this.journal.isTrimHeld = false;
    }
  }

  /** Waits for what was accepted, writes the confirmed position, releases the lock. A second call waits for the first. */
  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  private async closeOnce(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.journal.close(resolve);
    });
    this.scrubber.stop();
    this.tables.close();
    if (this.journal.isFailed) {
      // After a failed write lmdb's own close may wait for ever (S3); the files are consistent without it.
      this.unlock();
      return;
    }
    await new Promise<void>((resolve) => {
      this.foldThread.end(resolve);
    });
    await closeEnvironments(this.environments);
    this.unlock();
  }
}

/**
 * Opens a store for writing, and makes it when the directory is empty.
 *
 * @throws AEP_OPTION_INVALID, AEP_STORE_LOCKED, AEP_STORE_OPEN_FAILED, AEP_STORE_FORMAT, AEP_STORE_OTHER_ENGINE,
 * AEP_STORE_DAMAGED, AEP_RECORD_CORRUPT
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<LmdbStore> {
  return (await openOrMake(concludeLmdbOptions(options), undefined)).store;
}

/** Whether a store is there that can be opened; one whose making never ended is none. */
export function hasLmdbStore(path: string): boolean {
  return isThere(path) && !isBeingCreated(path);
}

/** A store that nobody may use before its making has ended. */
export interface LmdbStoreInTheMaking {
  readonly store: LmdbStore;
  /** Durable when it returns. @throws AEP_STORE_OPEN_FAILED */
  readonly endMaking: () => void;
}

/** Makes a store in place of whatever the directory holds (H12). Until `endMaking` opening makes yet another one. @throws as {@link openLmdbStore} */
export async function makeLmdbStore(options: LmdbStoreOptions, origin: StoreOrigin): Promise<LmdbStoreInTheMaking> {
  return openOrMake(concludeLmdbOptions(options), origin);
}

/** Removes a store, durably. @throws AEP_STORE_LOCKED, AEP_STORE_OPEN_FAILED */
export async function destroyLmdbStore(options: LmdbStoreOptions): Promise<void> {
  const concluded = concludeLmdbOptions(options);
  const unlock = await awaitStoreLock(concluded);
  try {
    // Ended by nobody: what is left is the beginning of a store.
    beginCreation(concluded.path, true);
  } finally {
    unlock();
  }
}

async function openOrMake(
  concluded: ConcludedLmdbOptions,
  origin: StoreOrigin | undefined,
): Promise<LmdbStoreInTheMaking> {
  const unlock = await awaitStoreLock(concluded);
  let environments: Environments | undefined;
  try {
    const endCreation = beginCreation(concluded.path, origin !== undefined);
    await lookInChild(concluded, endCreation !== undefined);
    environments = openEnvironments({
      path: concluded.path,
      mapSizeBytes: concluded.mapSizeBytes,
      readOnly: false,
      noSync: concluded.durability === 'os',
    });
    const identity =
      readIdentity(environments.journalMeta, concluded.path) ?? makeIdentity(environments, concluded, origin ?? {});
    if (identity.engineName !== concluded.engineName) throw otherEngine(concluded, identity);
    if (origin === undefined) endCreation?.();
    return {
      store: new LmdbStore(identity, environments, concluded, unlock),
      endMaking: () => endCreation?.(),
    };
  } catch (thrown) {
    // What has no code comes from lmdb: a write of the making failed, after which its own close may wait for ever (S3).
    const error = thrown instanceof AepError ? thrown : openFailed(concluded.path, thrown);
    if (environments !== undefined && error === thrown) await closeEnvironments(environments);
    unlock();
    throw error;
  }
}

/** Whoever is not to be harmed by a file that is damaged, or by the first write to a new one, is a child process. */
async function lookInChild(concluded: ConcludedLmdbOptions, isNew: boolean): Promise<void> {
  const { path, mapSizeBytes, verifyTailRecords: tailRecords, clock, verifyTimeoutMs, verifyOnOpen } = concluded;
  const request = { path, mapSizeBytes, tailRecords };
  // A store that has lost a file, or only ever had its directories: the file is made again, and empty.
  const lacksFile = !isNew && !hasFiles(path);
  if (lacksFile || (isNew && verifyOnOpen)) await makeInChild(request, clock, verifyTimeoutMs);
  if (!isNew && verifyOnOpen) await checkInChild(request, clock, verifyTimeoutMs);
}

function makeIdentity(
  { journal, journalMeta, state, stateMeta }: Environments,
  { clock, random, engineName }: ConcludedLmdbOptions,
  { incarnation, base }: StoreOrigin,
): StoreIdentity {
  const identity: StoreIdentity = {
    formatVersion: STORE_FORMAT_VERSION,
    engineName,
    incarnation: incarnation ?? clock.wallMs(),
    memberId: newMemberId(random),
  };
  journal.transactionSync(() => {
    void journalMeta.put(MetaName.identity, identityBytes(identity));
    if (base === undefined) return;
    void journalMeta.put(MetaName.base, baseBytes(base));
    void journalMeta.put(MetaName.epoch, numberBytes(MetaName.epoch, base.epoch));
  }, SYNC_COMMIT);
  if (base !== undefined)
    state.transactionSync(() => {
      void stateMeta.put(MetaName.appliedTxId, numberBytes(MetaName.appliedTxId, base.txId));
    }, SYNC_COMMIT);
  return identity;
}

interface LmdbStats {
  readonly mapSize: number;
  readonly lastPageNumber: number;
  readonly pageSize: number;
}

function sizesOf({ journal, state }: Environments): Facts {
  const journalStats = journal.getStats() as LmdbStats;
  const stateStats = state.getStats() as LmdbStats;
  return {
    journalFileBytes: (journalStats.lastPageNumber + 1) * journalStats.pageSize,
    stateFileBytes: (stateStats.lastPageNumber + 1) * stateStats.pageSize,
  };
}

function epochFailed(epoch: number, thrown: unknown): AepError {
  return new AepError(
    'AEP_STORE_WRITE_FAILED',
    'fatal',
    `epoch ${epoch} could not be made durable: ${toError(thrown).message}; check the device, then restart`,
    { epoch },
    thrown,
  );
}

function otherEngine(options: ConcludedLmdbOptions, identity: StoreIdentity): AepError {
  return new AepError(
    'AEP_STORE_OTHER_ENGINE',
    'reject',
    `the store at ${options.path} belongs to engine "${identity.engineName}", not to "${options.engineName}": each engine has a storage.path of its own`,
    { path: options.path, found: identity.engineName, expected: options.engineName },
  );
}
