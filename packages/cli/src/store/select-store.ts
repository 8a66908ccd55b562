import { storePath } from '@aep/host/internal';
import type { AppModel, Model } from '@aep/model';
import { type LmdbStoreReader, openLmdbStoreReader } from '@aep/store-lmdb';
import { dirname, resolve } from 'node:path';
import { chooseApp, readModel } from '../model-file.js';
import type { StoreOptions } from '../options/store-options.js';
import type { Session } from '../session.js';
import { unknownName, usageError } from '../usage-error.js';
import { type AppTypes, noTypes, typesOfApp, typesOfModules } from './app-types.js';

/** A store that is open for reading, beside the engine that may write it. */
export interface SelectedStore {
  readonly path: string;
  readonly reader: LmdbStoreReader;
  readonly types: AppTypes;
}

/** Long folds hold a snapshot; an engine beside us can bear that for so long. */
const READER_DEADLINE_MS = 10 * 60_000;

/**
 * Opens the store that was named by its directory, or by model and app, and closes it after the work.
 *
 * @throws AEP_CLI_USAGE, AEP_STORE_MISSING, what opening a store and loading modules throw
 */
export async function withStore<T>(
  session: Session,
  given: { readonly path: string | undefined; readonly options: StoreOptions },
  work: (store: SelectedStore) => Promise<T> | T,
): Promise<T> {
  const { path, types } = await locate(session, given.path, given.options);
  const reader = openLmdbStoreReader({ path, clock: session.io.clock, readerDeadlineMs: READER_DEADLINE_MS });
  try {
    reader.refresh();
    return await work({ path, reader, types });
  } finally {
    await reader.close();
  }
}

async function locate(session: Session, path: string | undefined, options: StoreOptions) {
  const { io } = session;
  const { model: file } = options;
  if (file === undefined) {
    if (path === undefined) throw usageError('which store? Give its directory, or --model FILE and --app NAME');
    if (options.app !== undefined) throw usageError('--app needs --model, which says what the app is');
    return { path: resolve(io.cwd, path), types: await givenTypes(session, options) };
  }
  const model = readModel(io, file, options);
  const app = chooseApp(model, options.app);
  const modelDir = dirname(resolve(io.cwd, file));
  const dataDir = options.data === undefined ? resolve(modelDir, 'data') : resolve(io.cwd, options.data);
  const types =
    options.types === undefined ? await typesOrHex(session, app, modelDir) : await givenTypes(session, options);
  if (path !== undefined) return { path: resolve(io.cwd, path), types };
  return { path: storePath(app, dataDir, memberOf(model, app, options.xvm)), types };
}

/** Members of a group have a store each, below that of the app. @throws AEP_CLI_USAGE, AEP_CLI_NAME_UNKNOWN */
function memberOf({ xvms }: Model, { name, storage }: AppModel, wanted: string | undefined): string | undefined {
  if (storage.clustering === null) return undefined;
  const members = xvms.filter(({ apps }) => apps.some((app) => app.name === name)).map((xvm) => xvm.name);
  if (wanted === undefined) throw usageError(`app "${name}" is a group of ${members.join(', ')}: name one with --xvm`);
  if (!members.includes(wanted)) throw unknownName('xvm', wanted, members);
  return wanted;
}

async function givenTypes({ io }: Session, options: StoreOptions): Promise<AppTypes> {
  return options.types === undefined ? noTypes : await typesOfModules(io, options.types);
}

/** A store can be looked at without its code: a build that is missing makes the listing poorer, not impossible. */
async function typesOrHex({ io, output }: Session, app: AppModel, modelDir: string): Promise<AppTypes> {
  try {
    return await typesOfApp(io, app, modelDir);
  } catch (thrown) {
    output.warning(`messages and state are shown as bytes: ${(thrown as Error).message}`);
    return noTypes;
  }
}

/**
 * Splits arguments such as `STORE 3 7` into the store and the numbers, in whatever order they stand. A store whose
 * directory is a number is written `./7`.
 *
 * @throws AEP_CLI_USAGE
 */
export function storeAndNumbers(
  args: readonly string[],
  usage: { readonly least: number; readonly most: number; readonly text: string },
) {
  const numbers = args.filter((arg) => /^\d{1,15}$/.test(arg)).map(Number);
  const others = args.filter((arg) => !/^\d{1,15}$/.test(arg));
  if (numbers.length < usage.least || numbers.length > usage.most || others.length > 1) {
    throw usageError(`expected ${usage.text}, got "${args.join(' ')}"`);
  }
  return { path: others[0], numbers };
}
