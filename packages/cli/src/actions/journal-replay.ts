import { resolve } from 'node:path';
import { AepError } from '@aep/kernel';
import { recover } from '@aep/store';
import { openLmdbStore } from '@aep/store-lmdb';
import { ExitCode } from '../exit-code.js';
import type { StoreOptions } from '../options/store-options.js';
import { formatQuantity } from '../output/progress.js';
import type { Session } from '../session.js';
import { entryJson } from '../store/record-json.js';
import { type Comparison, compareTables, copyRecords } from '../store/replay.js';
import { type SelectedStore, withStore } from '../store/select-store.js';
import { StateAt } from '../store/state-at.js';
import { usageError } from '../usage-error.js';

interface ReplayOptions extends StoreOptions {
  readonly into: string;
}

/** E102: makes a fresh store of nothing but the journal, and compares its tables with those that the engine has made. */
export async function replayJournal(
  session: Session,
  [path]: readonly string[],
  options: ReplayOptions,
): Promise<ExitCode> {
  const into = freshDirectory(session, options.into);
  return await withStore(session, { path, options }, async (store) => {
    const { reader } = store;
    const { firstTxId } = reader.journal;
    if (firstTxId > 1) throw journalTrimmed(firstTxId);
    const original = StateAt.open(reader, undefined);
    try {
      // The tables may be ahead of the journal as it was looked at first.
      reader.refresh();
      const comparison = await replayInto(session, store, { into, original });
      print(session, store, { into, txId: original.txId, comparison });
      return comparison.difference === undefined ? ExitCode.ok : ExitCode.problemsFound;
    } finally {
      original.close();
    }
  });
}

async function replayInto(
  session: Session,
  { reader }: SelectedStore,
  { into, original }: { into: string; original: StateAt },
): Promise<Comparison> {
  const { clock } = session.io;
  const fresh = await openLmdbStore({
    path: into,
    engineName: reader.identity.engineName,
    // It can be made again: a sync per commit would only cost time.
    durability: 'os',
    verifyOnOpen: false,
    scrubIntervalMs: 0,
    clock,
  });
  const progress = session.output.progress('replaying');
  try {
    const tableIds = await copyRecords(reader.journal, fresh.journal, {
      toTxId: original.txId,
      clock,
      signal: session.io.interrupted,
      onCopied: (done, total) => progress.update(done, total),
    });
    await recover(fresh, { clock });
    const tables = fresh.tables.snapshot();
    try {
      return compareTables(original, tables, tableIds);
    } finally {
      tables.close();
    }
  } finally {
    progress.end();
    await fresh.close();
  }
}

function freshDirectory({ io }: Session, given: string): string {
  const into = resolve(io.cwd, given);
  if (!io.files.exists(into)) return into;
  if (io.files.isDirectory(into) && io.files.filesBelow(into).length === 0) return into;
  throw usageError(`--into ${given}: there is something already; name a directory that is empty or not there`);
}

interface Replayed {
  readonly into: string;
  readonly txId: number;
  readonly comparison: Comparison;
}

function print({ output }: Session, store: SelectedStore, { into, txId, comparison }: Replayed): void {
  const { originalHash, replayedHash, entries, difference } = comparison;
  const entry = difference === undefined ? null : entryJson(store.types, difference.tableId, difference.key, undefined);
  if (output.json) {
    const ok = difference === undefined;
    output.document({ ok, store: store.path, into, txId, entries, originalHash, replayedHash, difference: entry });
    return;
  }
  const what = `${formatQuantity(txId, 'record')} replayed into ${into}`;
  if (entry === null) {
    const same = `${formatQuantity(entries, 'entry', 'entries')} as in the original, state hash ${shortened(originalHash)}`;
    output.line(`${output.style.green('ok')}   ${store.path}: ${what}: ${same}`);
    return;
  }
  const place = `${entry.collection} ${entry.key === undefined ? `0x${Buffer.from(difference!.key).toString('hex')}` : String(entry.key)}`;
  output.line(`${output.style.red('BAD')}  ${store.path}: ${what}: the tables differ, first at ${place}`);
  output.line(`     state hash of the original ${shortened(originalHash)}, of the replay ${shortened(replayedHash)}`);
}

/** Enough to tell two states apart by eye; `--json` has all of it. */
function shortened(hash: string): string {
  return hash.slice(0, 16);
}

function journalTrimmed(firstTxId: number): AepError {
  return new AepError(
    'AEP_CLI_STATE_TRIMMED',
    'reject',
    `the journal cannot be replayed from nothing: it begins at record ${firstTxId}. ` +
      'Raise journalRetention or journalRetentionRecords to keep records; "aep journal verify" checks those that are there',
    { firstTxId },
  );
}
