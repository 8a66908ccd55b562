import type { Log } from '@aep/kernel';
import { didYouMean, AepError } from '@aep/kernel';
import type { AppModel, Model } from '@aep/model';
import { type LmdbStoreReader, openLmdbStoreReader } from '@aep/store-lmdb';
import { storePath } from './translate/storage.js';

export interface ReadingOptions {
  readonly model: Model;
  /** Name of an app of the model. */
  readonly app: string;
  /** As for `startXvm`: the data directory that the process was given. */
  readonly dataDir: string;
  readonly log?: Log;
}

/**
 * Opens the store of an app for reading, beside the process that writes it or without one: for tools. The caller closes it.
 *
 * @throws AEP_APP_UNKNOWN (reject), AEP_STORE_MISSING, AEP_STORE_OPEN_FAILED, AEP_STORE_FORMAT, AEP_RECORD_CORRUPT
 */
export function openStoreForReading({ model, app, dataDir, log }: ReadingOptions): LmdbStoreReader {
  return openLmdbStoreReader({ path: storePath(findApp(model, app), dataDir), ...(log === undefined ? {} : { log }) });
}

/** @throws AEP_APP_UNKNOWN (reject) with the nearest name */
export function findApp(model: Model, name: string): AppModel {
  const found = model.apps.find((app) => app.name === name);
  if (found !== undefined) return found;
  const known = model.apps.map((app) => app.name);
  throw new AepError(
    'AEP_APP_UNKNOWN',
    'reject',
    `the model has no app "${name}"${didYouMean(name, known)}; it has ${known.join(', ') || 'none'}`,
    { app: name },
  );
}
