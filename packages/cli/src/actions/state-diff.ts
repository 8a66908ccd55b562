import { SYSTEM_TABLES_FROM } from '@aep/store';
import { ExitCode } from '../exit-code.js';
import type { StoreOptions } from '../options/store-options.js';
import { formatCount, formatQuantity } from '../output/progress.js';
import type { Session } from '../session.js';
import { findTable, refuseEventSourced, tablesOf } from '../store/collections.js';
import { entryJson } from '../store/record-json.js';
import { type SelectedStore, storeAndNumbers, withStore } from '../store/select-store.js';
import { StateAt, type StateChange } from '../store/state-at.js';
import { entryKey, valueText } from './state-show.js';

interface DiffOptions extends StoreOptions {
  readonly collection?: string;
  readonly limit?: number;
}

const CHANGES_SHOWN = 1_000;

/** What is different at the second transaction; the engine's own tables are left out. */
export async function diffState(session: Session, args: readonly string[], options: DiffOptions): Promise<ExitCode> {
  const { path, numbers } = storeAndNumbers(args, { least: 2, most: 2, text: 'two txIds and at most one store' });
  const [from, to] = numbers.toSorted((left, right) => left - right) as [number, number];
  return await withStore(session, { path, options }, (store) => {
    refuseEventSourced(store.reader, store.types.root);
    const progress = session.output.progress('folding the journal');
    const state = StateAt.open(store.reader, from, (done, total) => progress.update(done, total));
    try {
      const all = state.changesUpTo(to, (done, total) => progress.update(done, total));
      progress.end();
      const tableId =
        options.collection === undefined
          ? undefined
          : findTable(tablesOf(store.types, state), options.collection).tableId;
      const changes = all.filter(
        (change) => change.tableId < SYSTEM_TABLES_FROM && (tableId === undefined || change.tableId === tableId),
      );
      // Given the other way round, the question is what was different before.
      print(
        session,
        store,
        { from: numbers[0]!, to: numbers[1]!, changes: from === numbers[0] ? changes : changes.map(reversed) },
        options.limit ?? CHANGES_SHOWN,
      );
      return ExitCode.ok;
    } finally {
      state.close();
    }
  });
}

interface Difference {
  readonly from: number;
  readonly to: number;
  readonly changes: readonly StateChange[];
}

// oxlint-disable-next-line max-params -- where to, what of, what, and how much
function print({ output }: Session, { types }: SelectedStore, { from, to, changes }: Difference, limit: number): void {
  const entries = changes.slice(0, limit).map(({ tableId, key, before, after }) => {
    const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
    const was = before === undefined ? undefined : entryJson(types, tableId, key, before);
    const is = after === undefined ? undefined : entryJson(types, tableId, key, after);
    return { change, was, is, named: (is ?? was)! };
  });
  if (output.json) {
    const documents = entries.map(({ change, was, is, named: { collection, key, keyHex } }) => ({
      change,
      collection,
      ...(key === undefined ? {} : { key }),
      ...(keyHex === undefined ? {} : { keyHex }),
      before: was?.value ?? was?.valueHex ?? null,
      after: is?.value ?? is?.valueHex ?? null,
    }));
    output.document({ from, to, changes: documents, more: changes.length > limit });
    return;
  }
  const { style } = output;
  for (const { change, was, is, named } of entries) {
    const name = `${named.collection} ${entryKey(named)}`.trimEnd();
    if (change === 'added') output.line(`${style.green('+')} ${name} ${valueText(is!)}`);
    else if (change === 'removed') output.line(`${style.red('-')} ${name} ${valueText(was!)}`);
    else output.line(`${style.yellow('~')} ${name} ${valueText(was!)} -> ${valueText(is!)}`);
  }
  const more = changes.length > limit ? `, ${formatCount(limit)} shown: raise --limit` : '';
  output.note(`${formatQuantity(changes.length, 'entry differs', 'entries differ')} between ${from} and ${to}${more}`);
}

function reversed({ tableId, key, before, after }: StateChange): StateChange {
  return { tableId, key, before: after, after: before };
}
