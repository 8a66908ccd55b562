import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync } from 'node:fs';
import process from 'node:process';
import { openFailed } from './environment.js';

const MARKER = 'CREATING';

/**
 * Making a store takes several writes to two files. A process that dies between them leaves what can neither be read nor
 * be told from damage, so the file `CREATING` says that nobody has used the store yet: what lies beside it is made anew.
 * It goes, durably, before the store is given to anybody; so do the directory entries of the files, which a synced file
 * does not include.
 *
 * Called under the lock of the store.
 *
 * @param replaces gives up a store that exists
 * @returns what ends the making; undefined when the store exists
 * @throws AEP_STORE_OPEN_FAILED, as does what is returned
 */
export function beginCreation(path: string, replaces: boolean): (() => void) | undefined {
  if (!replaces && isThere(path) && !isBeingCreated(path)) return undefined;
  attempt(path, () => begin(path));
  return () => attempt(path, () => end(path));
}

function begin(path: string): void {
  closeSync(openSync(`${path}/${MARKER}`, 'w'));
  // Durable before the first file: after a power loss either the marker is there, or nothing is.
  syncDirectory(path);
  for (const directory of [`${path}/journal`, `${path}/state`]) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
  }
}

function end(path: string): void {
  for (const directory of [`${path}/journal`, `${path}/state`, path]) syncDirectory(directory);
  rmSync(`${path}/${MARKER}`);
  // If the marker came back after a power loss, what was acknowledged meanwhile would be taken for an unused store.
  syncDirectory(path);
}

/** A store, or what its making has left. */
export function isThere(path: string): boolean {
  return existsSync(`${path}/journal`) || existsSync(`${path}/state`);
}

/** Both files are there. */
export function hasFiles(path: string): boolean {
  return existsSync(`${path}/journal/data.mdb`) && existsSync(`${path}/state/data.mdb`);
}

/** A store that nobody has used, and that is not complete. */
export function isBeingCreated(path: string): boolean {
  return existsSync(`${path}/${MARKER}`);
}

function syncDirectory(path: string): void {
  // Windows opens no directories; its file system keeps their entries in its own log.
  if (process.platform === 'win32') return;
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function attempt(path: string, action: () => void): void {
  try {
    action();
  } catch (thrown) {
    throw openFailed(path, thrown);
  }
}
