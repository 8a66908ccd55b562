import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AepError } from '@aep/kernel';
import { openLmdbStore, type LmdbStore } from '@aep/store-lmdb';
import { ROOT } from '../harness/paths.js';
import { runWriter } from './strace.js';

export interface FlipReport {
  readonly flips: number;
  /** How many of them were refused when the entry was looked up, and when its table was read from end to end. */
  readonly refused: { readonly lookups: number; readonly scans: number };
  /** A value other than what was written was given out. */
  readonly served: number;
}

const TRANSACTIONS = 60;
const TABLE = 1;
/** A value is hardly read twice in a file that is written anew for each flip. */
const ENTRIES_FLIPPED = 3;

/**
 * Flips each bit of some values of a store's tables, one after another, and reads them without the check that a start makes.
 * LMDB notices nothing of it: what is not refused by the checksum is served.
 */
export async function flipEntries(): Promise<FlipReport> {
  const folder = mkdtempSync(join(tmpdir(), 'aep-flips-'));
  try {
    mkdirSync(join(folder, 'store'));
    await runWriter({ folder, transactions: TRANSACTIONS });
    return await flipAll(join(folder, 'store'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Switches the check of entries off, from outside; answers what switches it on again. */
export async function switchCheckOff(): Promise<() => void> {
  const url = pathToFileURL(join(ROOT, 'packages/store-lmdb/dist/entry-reader.js')).href;
  const { EntryReader } = (await import(url)) as { EntryReader: { prototype: { isWhole?: () => boolean } } };
  const { prototype } = EntryReader;
  const original = prototype.isWhole;
  if (original === undefined) throw new Error('EntryReader.isWhole is gone: the planted fault needs a new place');
  prototype.isWhole = () => true;
  return () => void (prototype.isWhole = original);
}

async function flipAll(path: string): Promise<FlipReport> {
  const file = join(path, 'state', 'data.mdb');
  const good = readFileSync(file);
  const entries = await shortEntries(path);
  const report = { flips: 0, refused: { lookups: 0, scans: 0 }, served: 0 };
  for (const { key, value } of entries) {
    const places = placesOf(good, key, value);
    for (let bit = 0; bit < value.length * 8; bit++) {
      const bytes = Buffer.from(good);
      // Pages that are not in use any more may hold it, too.
      for (const at of places) bytes[at + (bit >> 3)]! ^= 1 << (bit & 7);
      writeFileSync(file, bytes);
      const store = await open(path);
      const lookup = outcomeOf(() => store.tables.get(TABLE, key), value);
      const scan = outcomeOf(() => [...store.tables.range(TABLE, { gte: key, lte: key })][0]?.value, value);
      await store.close();
      report.flips++;
      if (lookup === 'refused') report.refused.lookups++;
      if (scan === 'refused') report.refused.scans++;
      if (lookup === 'wrong' || scan === 'wrong') report.served++;
    }
  }
  return report;
}

function outcomeOf(read: () => Uint8Array | undefined, value: Uint8Array): 'refused' | 'right' | 'wrong' {
  try {
    const found = read();
    return found !== undefined && Buffer.compare(found, value) === 0 ? 'right' : 'wrong';
  } catch (thrown) {
    if (thrown instanceof AepError && thrown.code === 'AEP_TABLE_ENTRY_CORRUPT') return 'refused';
    throw thrown;
  }
}

async function shortEntries(path: string): Promise<{ key: Uint8Array; value: Uint8Array }[]> {
  const store = await open(path);
  const entries = [...store.tables.range(TABLE)].toSorted((a, b) => a.value.length - b.value.length);
  await store.close();
  return entries.slice(0, ENTRIES_FLIPPED);
}

/** Where the value begins; LMDB puts it right behind the key. */
function placesOf(file: Buffer, key: Uint8Array, value: Uint8Array): number[] {
  const entry = Buffer.concat([key, value]);
  const places: number[] = [];
  for (let at = file.indexOf(entry); at >= 0; at = file.indexOf(entry, at + 1)) places.push(at + key.length);
  return places;
}

function open(path: string): Promise<LmdbStore> {
  const options = { engineName: 'reference', scrubIntervalMs: 0, mapSizeBytes: 64 * 1024 * 1024, verifyOnOpen: false };
  return openLmdbStore({ path, ...options });
}
