import { AepError, type Clock, type Log, type Random, silentLog, SystemClock, systemRandom } from '@aep/kernel';
import type { Durability, JournalOptions } from '@aep/store';
import { concludeJournalOptions, type ConcludedJournalOptions, within } from '@aep/store/internal';
import { diskFreeSpace, type FreeSpace } from './free-space.js';

/** How a commit reaches the disk (S8): on another thread, on this one, or whichever the measurements favour. */
export type CommitMode = 'auto' | 'async' | 'sync';

export interface LmdbStoreOptions {
  /** Directory of the store; made when it is missing. */
  readonly path: string;
  readonly engineName: string;
  /** `disk`: synced before release. `os`: handed to the operating system, survives a killed process but not a power loss. @default 'disk' */
  readonly durability?: 'disk' | 'os';
  /** @default 'auto' */
  readonly commitMode?: CommitMode;
  /** In mode auto: when several blocking commits take longer than this, commits go to the other thread; those there may take twice that for the disk to count as fast. @default 1 ms */
  readonly syncCommitMaxMs?: number;
  /** Address space that each of the two environments reserves; the map grows beyond it when it must. @default 16 GiB */
  readonly mapSizeBytes?: number;
  /** Bytes that stay free on the volume (S4): below it the journal takes no records. @default 64 MiB */
  readonly freeSpaceReserveBytes?: number;
  /**
   * Open and check the store in a child process first, and make a new one there (S5): LMDB can end the process that opens
   * a damaged file, or that cannot write a new one. @default true
   */
  readonly verifyOnOpen?: boolean;
  /** Records at the journal's end that this check reads; older ones are the scrub's business. @default 20000 */
  readonly verifyTailRecords?: number;
  /** The check counts as failed after this time. @default 60000 ms */
  readonly verifyTimeoutMs?: number;
  /** Snapshots and scans are closed after this time (S9). @default 60000 ms */
  readonly readerDeadlineMs?: number;
  /** Pause between two steps of the background scrub; 0: no scrub. @default 1000 ms */
  readonly scrubIntervalMs?: number;
  /** Accept the lock of another host or container whose process cannot be looked at from here. Only when it is surely dead. @default false */
  readonly takeOverForeignLock?: boolean;
  /** How long opening waits for the process that has the store open: one that was killed takes a moment to go. @default 10000 ms */
  readonly lockWaitMs?: number;
  readonly journal?: JournalOptions;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Log;
  readonly freeSpace?: FreeSpace;
}

export interface ConcludedLmdbOptions {
  readonly path: string;
  readonly engineName: string;
  readonly durability: Durability & ('disk' | 'os');
  readonly commitMode: CommitMode;
  readonly syncCommitMaxMs: number;
  readonly mapSizeBytes: number;
  readonly freeSpaceReserveBytes: number;
  readonly verifyOnOpen: boolean;
  readonly verifyTailRecords: number;
  readonly verifyTimeoutMs: number;
  readonly readerDeadlineMs: number;
  readonly scrubIntervalMs: number;
  readonly takeOverForeignLock: boolean;
  readonly lockWaitMs: number;
  readonly journal: ConcludedJournalOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly freeSpace: FreeSpace;
}

/** @throws AEP_OPTION_INVALID naming the option, the value and what is allowed */
export function concludeLmdbOptions(options: LmdbStoreOptions): ConcludedLmdbOptions {
  if (options.path === '') throw invalid('path', options.path, 'the directory of the store');
  if (options.engineName === '') throw invalid('engineName', options.engineName, 'the name of the engine');
  const durability = options.durability ?? 'disk';
  if (durability !== 'disk' && durability !== 'os') throw invalid('durability', durability, 'disk or os');
  const commitMode = options.commitMode ?? 'auto';
  if (!COMMIT_MODES.has(commitMode)) throw invalid('commitMode', commitMode, 'auto, async or sync');
  return Object.freeze({
    path: options.path,
    engineName: options.engineName,
    durability,
    commitMode,
    syncCommitMaxMs: within('syncCommitMaxMs', options.syncCommitMaxMs ?? 1, 0, 10_000),
    mapSizeBytes: within('mapSizeBytes', options.mapSizeBytes ?? 16 * GIB, 1024 * 1024, 16_384 * GIB),
    freeSpaceReserveBytes: within(
      'freeSpaceReserveBytes',
      options.freeSpaceReserveBytes ?? 64 * 1024 * 1024,
      0,
      1_024 * GIB,
    ),
    verifyOnOpen: options.verifyOnOpen ?? true,
    verifyTailRecords: within('verifyTailRecords', options.verifyTailRecords ?? 20_000, 0, 1e12),
    verifyTimeoutMs: within('verifyTimeoutMs', options.verifyTimeoutMs ?? 60_000, 100, 3_600_000),
    readerDeadlineMs: within('readerDeadlineMs', options.readerDeadlineMs ?? 60_000, 10, 86_400_000),
    scrubIntervalMs: within('scrubIntervalMs', options.scrubIntervalMs ?? 1_000, 0, 86_400_000),
    takeOverForeignLock: options.takeOverForeignLock ?? false,
    lockWaitMs: within('lockWaitMs', options.lockWaitMs ?? 10_000, 0, 3_600_000),
    journal: concludeJournalOptions(options.journal ?? {}),
    clock: options.clock ?? new SystemClock(),
    random: options.random ?? systemRandom(),
    log: options.log ?? silentLog,
    freeSpace: options.freeSpace ?? diskFreeSpace,
  });
}

const GIB = 1024 ** 3;
const COMMIT_MODES = new Set(['auto', 'async', 'sync']);

function invalid(name: string, value: string, expected: string): AepError {
  return new AepError('AEP_OPTION_INVALID', 'reject', `${name}: expected ${expected}, got "${value}"`, { name, value });
}
