import { closeSync, cpSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { AepError, SeededRandom, SystemClock } from '@aep/kernel';
import { recover, type Store } from '@aep/store';
import { openLmdbStore } from '@aep/store-lmdb';

/**
 * Damages copies of a store while nobody has it open, opens each and reads everything. In a process of its own, because LMDB
 * trusts its files: what a verified open has not met may end whoever reads it. Arguments: folder that has it in `store`,
 * seed, first case, number of cases. Says `case N what: outcome` for each.
 */
const [folder = '', seed = '1', first = '0', count = '1'] = process.argv.slice(2);
const PAGE_BYTES = 4096;
const clock = new SystemClock();
const keepAlive = setInterval(() => undefined, 1_000);

const good = await contentOf(await open(join(folder, 'store'), false));
for (let index = Number(first); index < Number(first) + Number(count); index++) {
  const path = join(folder, `bad-${index}`);
  cpSync(join(folder, 'store'), path, { recursive: true });
  const what = damage(path, new SeededRandom(Number(seed) + index));
  process.stdout.write(`case ${index} ${what}: `);
  process.stdout.write(`${await outcomeOf(path)}\n`);
  rmSync(path, { recursive: true, force: true });
}
clearInterval(keepAlive);
process.exit();

interface Content {
  readonly records: readonly string[];
  readonly entries: readonly string[];
}

/** `refused CODE`; `right`; `verify` when only that finds it, and only in the tables; or `WRONG`. */
async function outcomeOf(path: string): Promise<string> {
  try {
    const store = await open(path, true);
    // Journal and tables are read to their ends before anything is said.
    const content = await contentOf(store, true);
    if (content.records.join() !== good.records.join()) return `WRONG records: ${content.records.length}`;
    if (content.entries.join() === good.entries.join()) return 'right';
    return content.isDamageFound ? 'verify' : 'WRONG entries';
  } catch (error) {
    return error instanceof AepError ? `refused ${error.code}` : `refused, without a code: ${String(error)}`;
  }
}

function open(path: string, verifyOnOpen: boolean) {
  const options = { path, engineName: 'reference', scrubIntervalMs: 0, mapSizeBytes: 64 * 1024 * 1024, clock };
  return openLmdbStore({ ...options, verifyOnOpen, verifyTimeoutMs: 5_000 });
}

async function contentOf(
  store: Awaited<ReturnType<typeof open>>,
  isVerified = false,
): Promise<Content & { readonly isDamageFound: boolean }> {
  await recover(store, { clock });
  const records = [...store.journal.read(store.journal.firstTxId)].map(({ bytes }) => hex(bytes));
  const entries = entriesOf(store);
  const report = isVerified ? await store.verify() : undefined;
  await store.close();
  return { records, entries, isDamageFound: report?.bad !== undefined || report?.tables === 'different' };
}

function entriesOf({ tables }: Pick<Store, 'tables'>): string[] {
  return [...tables.range(1)].map(({ key, value }) => `${hex(key)}=${hex(value)}`);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Of journal or tables: a bit flips, a page is zero, old, of elsewhere, or cut off. Answers what was done. */
function damage(path: string, random: SeededRandom): string {
  const name = random.below(2) === 0 ? 'journal' : 'state';
  const file = join(path, name, 'data.mdb');
  const pages = Math.floor(statSync(file).size / PAGE_BYTES);
  const page = random.below(pages);
  const handle = openSync(file, 'r+');
  const bytes = Buffer.alloc(PAGE_BYTES);
  const kind = (['bit', 'bit', 'zeros', 'other page', 'half page'] as const)[random.below(5)]!;
  readSync(handle, bytes, 0, PAGE_BYTES, page * PAGE_BYTES);
  const at = random.below(PAGE_BYTES);
  if (kind === 'bit') bytes[at]! ^= 1 << random.below(8);
  else if (kind === 'zeros') bytes.fill(0);
  else if (kind === 'half page') bytes.fill(0, PAGE_BYTES / 2);
  else readSync(handle, bytes, 0, PAGE_BYTES, random.below(pages) * PAGE_BYTES);
  writeSync(handle, bytes, 0, PAGE_BYTES, page * PAGE_BYTES);
  closeSync(handle);
  return `${name} page ${page} ${kind}${kind === 'bit' ? ` in byte ${at}` : ''}`;
}
