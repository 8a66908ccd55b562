import { AepError, type Facts, toError } from '@aep/kernel';
import { type Database, open, type RootDatabase, type RootDatabaseOptionsWithPath, TransactionFlags } from 'lmdb';
import { tableKeyEncoder } from './table-key.js';

/** The settings that S1 and S2 ask for; everything that opens a file of a store goes through here. */
export interface EnvironmentOptions {
  readonly path: string;
  readonly mapSizeBytes: number;
  readonly readOnly: boolean;
  /** For durability `os` only: the operating system writes when it likes. */
  readonly noSync: boolean;
}

/** Commit and sync before returning; not abortable, which saves a child transaction. */
export const SYNC_COMMIT = TransactionFlags.SYNCHRONOUS_COMMIT;

export type BytesDatabase = Database<Uint8Array, Uint8Array>;

/** Two LMDB environments; see the README for what lies in which. */
export interface Environments {
  readonly journal: RootDatabase<Uint8Array, Uint8Array>;
  /** u64 big-endian first txId -> packed records. */
  readonly runs: BytesDatabase;
  /** Text name -> bytes: identity, epoch, confirmedTxId. */
  readonly journalMeta: BytesDatabase;
  readonly state: RootDatabase<Uint8Array, Uint8Array>;
  /** u16 big-endian table id, key -> value. */
  readonly tables: BytesDatabase;
  readonly stateMeta: BytesDatabase;
}

/** @throws AEP_STORE_OPEN_FAILED, AEP_STORE_MISSING (read-only and nothing there) */
export function openEnvironments(options: EnvironmentOptions): Environments {
  const journal = openRoot(`${options.path}/journal`, options);
  const state = openRoot(`${options.path}/state`, options);
  return {
    journal,
    runs: openNamed(journal, 'runs', options.path),
    journalMeta: openNamed(journal, 'meta', options.path),
    state,
    tables: openTables(state, options.path),
    stateMeta: openNamed(state, 'meta', options.path),
  };
}

export async function closeEnvironments(environments: Environments): Promise<void> {
  await Promise.all([environments.journal.close(), environments.state.close()]);
}

/** lmdb takes more settings than it declares; these are the ones that matter for what a commit promises. */
interface Settings extends RootDatabaseOptionsWithPath {
  readonly path: string;
  readonly txnStartThreshold: number;
}

/** What one environment is opened with. Apart from the opening, because no test can see a power loss. */
export function environmentSettings(path: string, options: EnvironmentOptions): Settings {
  return {
    path,
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    maxDbs: 4,
    mapSize: options.mapSizeBytes,
    readOnly: options.readOnly,
    noSync: options.noSync,
    // S1: in the overlapping mode an error of the last meta write is dropped, and a commit can be reported that a
    // power loss takes back.
    overlappingSync: false,
    // S2: a full disk would be a SIGBUS.
    useWritemap: false,
    // Transactions are marked by `batch` and by nothing else. The other way, all writes of a turn, has a promise of its
    // own that nobody can handle: a failed commit would be an unhandled rejection and end the process.
    eventTurnBatching: false,
    // A second write of a turn makes what was written begin at once; the first one alone waits for the turn to end.
    txnStartThreshold: 1,
    // A hundred tools may read at once; a slot is 64 bytes.
    maxReaders: 254,
  };
}

function openRoot(path: string, options: EnvironmentOptions): RootDatabase<Uint8Array, Uint8Array> {
  try {
    return open<Uint8Array, Uint8Array>(environmentSettings(path, options));
  } catch (thrown) {
    throw openFailed(path, thrown);
  }
}

function openNamed(root: RootDatabase<Uint8Array, Uint8Array>, name: string, path: string): BytesDatabase {
  const database: BytesDatabase | undefined = root.openDB<Uint8Array, Uint8Array>({
    name,
    encoding: 'binary',
    keyEncoding: 'binary',
  });
  if (database === undefined) throw missing(path);
  return database;
}

function openTables(root: RootDatabase<Uint8Array, Uint8Array>, path: string): BytesDatabase {
  const settings = { name: 'tables', encoding: 'binary' as const, keyEncoder: tableKeyEncoder };
  const database: BytesDatabase | undefined = root.openDB<Uint8Array, Uint8Array>(settings);
  if (database === undefined) throw missing(path);
  return database;
}

/** The tables by whole keys, table id included: those of {@link Environments.tables} leave it out when they are read. */
export function openWholeTables(state: Environments['state']): BytesDatabase {
  return state.openDB<Uint8Array, Uint8Array>({ name: 'tables', encoding: 'binary', keyEncoding: 'binary' });
}

export function missing(path: string): AepError {
  return new AepError(
    'AEP_STORE_MISSING',
    'reject',
    `there is no store at ${path}: check storage.path, or start the engine once to make it`,
    {
      path,
    },
  );
}

/** @param what is wrong, and where */
export function storeDamaged(what: string, facts: Facts): AepError {
  return new AepError(
    'AEP_STORE_DAMAGED',
    'fatal',
    `${what}; take the store from another member or a backup, and keep this one for inspection`,
    facts,
  );
}

export function openFailed(path: string, thrown: unknown): AepError {
  const { message } = toError(thrown);
  return new AepError(
    'AEP_STORE_OPEN_FAILED',
    'fatal',
    `the store in ${path} cannot be opened: ${message}; check that the directory exists and may be written by this user`,
    { path },
    thrown,
  );
}
