import { existsSync, statSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import { type EngineImage, engineImage, type RawEngine } from './engine-image.js';

/** Reads what an engine has on its disk, without a line of the engine's code. Nothing may write at the same time. */
export async function readStore(path: string, engine: string): Promise<EngineImage> {
  // While a store is being made nobody has used it, and its files may be in any state.
  if (!existsSync(`${path}/journal/data.mdb`) || existsSync(`${path}/CREATING`))
    return engineImage(emptyEngine(engine));
  const hasState = existsSync(`${path}/state/data.mdb`);
  const sizes = [`${path}/journal`, ...(hasState ? [`${path}/state`] : [])].map(
    (name) => statSync(`${name}/data.mdb`).size,
  );
  // LMDB would read past the end of such a file, and die of it.
  if (Math.min(...sizes) < META_BYTES)
    return { ...engineImage(emptyEngine(engine)), damage: 'a file ends in its head' };
  const journal = openReadOnly(`${path}/journal`);
  const state = hasState ? openReadOnly(`${path}/state`) : undefined;
  try {
    return engineImage({ engine, ...readJournal(journal), ...readTables(state) });
  } finally {
    await journal.close();
    await state?.close();
  }
}

function readJournal(root: RootDatabase<Buffer, Buffer>): Pick<RawEngine, 'incarnation' | 'runs' | 'confirmedTxId'> {
  const runs = openNamed(root, 'runs');
  const meta = openNamed(root, 'meta');
  const identity = meta?.get(Buffer.from('identity'));
  return {
    incarnation: identity === undefined ? 0 : (JSON.parse(identity.toString()) as { incarnation: number }).incarnation,
    runs: runs === undefined ? [] : Array.from(runs.getRange({ start: FIRST_KEY }), ({ value }) => value),
    confirmedTxId: numberOf(meta?.get(Buffer.from('confirmedTxId'))),
  };
}

function readTables(root: RootDatabase<Buffer, Buffer> | undefined): Pick<RawEngine, 'appliedTxId' | 'entries'> {
  const tables = root && openNamed(root, 'tables');
  const meta = root && openNamed(root, 'meta');
  const entries = tables === undefined ? [] : Array.from(tables.getRange({ start: FIRST_KEY }));
  return {
    appliedTxId: numberOf(meta?.get(Buffer.from('appliedTxId'))),
    entries: entries.map(({ key, value }) => ({
      tableId: key.readUInt16BE(0),
      key: key.subarray(2),
      value: value.subarray(0, value.length - ENTRY_CHECK_BYTES),
    })),
  };
}

/** An open without locks: nobody writes, and nothing of what is looked at may change. */
function openReadOnly(path: string): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>({
    path,
    noSubdir: false,
    readOnly: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    maxDbs: 4,
    mapSize: 1024 ** 3,
  });
}

/** Undefined when the engine died before it had made it. */
function openNamed(root: RootDatabase<Buffer, Buffer>, name: string) {
  return root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' }) as
    ReturnType<typeof root.openDB<Buffer, Buffer>> | undefined;
}

function numberOf(bytes: Buffer | undefined): number {
  return bytes?.length === 8 + ENTRY_CHECK_BYTES ? bytes.readDoubleLE(0) : 0;
}

function emptyEngine(engine: string): RawEngine {
  return { engine, incarnation: 0, runs: [], confirmedTxId: 0, appliedTxId: 0, entries: [] };
}

/** The two pages at the head of an LMDB file. */
const META_BYTES = 8192;
/** The checksum behind each value and number; what it says is the engine's business, the checker compares values. */
const ENTRY_CHECK_BYTES = 4;
/** lmdb's own default for an open start is a key of its own kind. */
const FIRST_KEY = Buffer.from([0]);
