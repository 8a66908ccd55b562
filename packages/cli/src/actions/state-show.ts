import { ExitCode } from '../exit-code.js';
import type { StoreOptions } from '../options/store-options.js';
import { toJsonLine } from '../output/json.js';
import { formatCount, formatQuantity } from '../output/progress.js';
import type { Session } from '../session.js';
import { findTable, keyBytes, refuseEventSourced, type ShownTable, tablesOf } from '../store/collections.js';
import { type ChangeJson, entryJson } from '../store/record-json.js';
import { type SelectedStore, withStore } from '../store/select-store.js';
import { StateAt } from '../store/state-at.js';
import { usageError } from '../usage-error.js';

interface ShowOptions extends StoreOptions {
  readonly at?: number;
  readonly collection?: string;
  readonly key?: string;
  readonly limit?: number;
}

const ENTRIES_SHOWN = 50;

type EntryJson = Omit<ChangeJson, 'change'>;

/** Without a collection: what collections there are. With one: its entries, or the one with the key. */
export async function showState(session: Session, [path]: readonly string[], options: ShowOptions): Promise<ExitCode> {
  if (options.key !== undefined && options.collection === undefined)
    throw usageError('--key needs --collection, which says where the key is');
  return await withStore(session, { path, options }, (store) => {
    refuseEventSourced(store.reader, store.types.root);
    const progress = session.output.progress('folding the journal');
    const state = StateAt.open(store.reader, options.at, (done, total) => progress.update(done, total));
    progress.end();
    try {
      const tables = tablesOf(store.types, state);
      if (options.collection === undefined) return showTables(session, { store, state, tables });
      const table = findTable(tables, options.collection);
      if (options.key !== undefined) return showEntry(session, { store, state, table }, options.key);
      return showEntries(session, { store, state, table }, options.limit ?? ENTRIES_SHOWN);
    } finally {
      state.close();
    }
  });
}

interface Look {
  readonly store: SelectedStore;
  readonly state: StateAt;
}

function showTables({ output }: Session, { store, state, tables }: Look & { tables: readonly ShownTable[] }): ExitCode {
  const rows = tables.map(({ tableId, name, info }) => {
    const keyKind = info?.keyKind ?? (info?.kind === 'queue' ? 'position' : '');
    return {
      collection: name,
      kind: info?.kind ?? 'table',
      key: keyKind,
      type: info?.entity.fullName ?? '',
      entries: state.count(tableId),
    };
  });
  const { engineName } = store.reader.identity;
  if (output.json) {
    output.document({ engine: engineName, txId: state.txId, collections: rows });
    return ExitCode.ok;
  }
  const columns = [
    { title: 'COLLECTION' },
    { title: 'KIND' },
    { title: 'KEY' },
    { title: 'TYPE' },
    { title: 'ENTRIES', align: 'right' as const },
  ];
  output.table(
    columns,
    rows.map((row) => [row.collection, row.kind, row.key, row.type, formatCount(row.entries)]),
  );
  output.note(`state of ${engineName} at ${state.txId}; see entries with --collection`);
  return ExitCode.ok;
}

function showEntry(
  { output }: Session,
  { store, state, table }: Look & { table: ShownTable },
  keyText: string,
): ExitCode {
  const key = keyBytes(table, keyText);
  const value = state.get(table.tableId, key);
  const entry = value === undefined ? null : entryJson(store.types, table.tableId, key, value);
  if (output.json) output.document({ txId: state.txId, entry });
  else if (entry === null) output.note(`${table.name} has no entry ${keyText} at ${state.txId}`);
  else output.line(valueText(entry));
  return entry === null ? ExitCode.problemsFound : ExitCode.ok;
}

function showEntries(
  { output }: Session,
  { store, state, table }: Look & { table: ShownTable },
  limit: number,
): ExitCode {
  const entries: EntryJson[] = [];
  let isMore = false;
  for (const { key, value } of state.range(table.tableId)) {
    isMore = entries.length === limit;
    if (isMore) break;
    entries.push(entryJson(store.types, table.tableId, key, value));
  }
  if (output.json) {
    output.document({ txId: state.txId, collection: table.name, entries, more: isMore });
    return ExitCode.ok;
  }
  output.table(
    [{ title: 'KEY' }, { title: 'VALUE' }],
    entries.map((entry) => [entryKey(entry), valueText(entry)]),
  );
  output.note(
    `${formatQuantity(entries.length, 'entry', 'entries')} of ${table.name} at ${state.txId}${isMore ? '; there are more: raise --limit' : ''}`,
  );
  return ExitCode.ok;
}

/** The key of an entry for people. */
export function entryKey({ key, keyHex }: EntryJson): string {
  return key === undefined ? (keyHex === undefined ? '' : `0x${keyHex}`) : String(key);
}

export function valueText({ value, valueHex, problem }: EntryJson): string {
  const shown = value !== undefined ? toJsonLine(value) : `0x${valueHex ?? ''}`;
  return problem === undefined ? shown : `${shown} (${problem})`;
}
