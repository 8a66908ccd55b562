import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { AepError, toError } from '@aep/kernel';
import { environmentSettings } from '@aep/store-lmdb/internal';
import { type Database, open, type RootDatabase } from 'lmdb';

/** The LMDB environment that the members of one host share. */
export interface RegisterEnvironment {
  readonly path: string;
  readonly root: RootDatabase<Uint8Array, Uint8Array>;
  /** Group name -> record as JSON; the version of an entry is the record's epoch. */
  readonly registers: Database<Uint8Array, Uint8Array>;
  /** Something that every swap changes, see {@link EmbeddedArbiter}. */
  readonly attempts: Database<Uint8Array, Uint8Array>;
  release(): Promise<void>;
}

/** Address space; a register is some hundred bytes. */
const MAP_BYTES = 64 * 1024 * 1024;

/** LMDB must not open one file twice in a process, and an xvm may host several members. */
const opened = new Map<string, { readonly environment: RegisterEnvironment; users: number }>();

/** @throws AEP_ARBITER_OPEN */
export function openRegisterEnvironment(directory: string): RegisterEnvironment {
  const path = resolve(directory);
  const known = opened.get(path);
  if (known !== undefined) {
    known.users++;
    return known.environment;
  }
  try {
    mkdirSync(path, { recursive: true });
    const settings = environmentSettings(`${path}/register`, {
      path,
      mapSizeBytes: MAP_BYTES,
      readOnly: false,
      noSync: false,
    });
    const root = open<Uint8Array, Uint8Array>(settings);
    const registers = root.openDB<Uint8Array, Uint8Array>({
      name: 'registers',
      encoding: 'binary',
      keyEncoding: 'binary',
      useVersions: true,
    });
    const attempts = root.openDB<Uint8Array, Uint8Array>({
      name: 'attempts',
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    const environment: RegisterEnvironment = { path, root, registers, attempts, release: () => release(path) };
    opened.set(path, { environment, users: 1 });
    return environment;
  } catch (thrown) {
    throw openFailed(path, thrown);
  }
}

async function release(path: string): Promise<void> {
  const known = opened.get(path);
  if (known === undefined || --known.users > 0) return;
  opened.delete(path);
  await known.environment.root.close();
}

function openFailed(path: string, thrown: unknown): AepError {
  return new AepError(
    'AEP_ARBITER_OPEN',
    'fatal',
    `the embedded arbiter in ${path} cannot be opened: ${toError(thrown).message}; its directory must be on a local disk of this host and writable for all members`,
    { path },
    thrown,
  );
}
