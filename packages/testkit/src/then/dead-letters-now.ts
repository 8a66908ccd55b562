import { type DeadLetter, listDeadLetters } from '@aep/engine';
import { RecordFold, RecordReader, SortedTable, type Store, Table, type TableSink } from '@aep/store';

/** The dead letters of a store with what its tables do not hold yet: as of the last stable transaction. */
export function deadLettersNow(store: Store): DeadLetter[] {
  const table = new SortedTable();
  for (const { key, value } of store.tables.range(Table.deadLetters)) table.put(key, value);
  const sink: TableSink = {
    put: (tableId, key, value) => {
      if (tableId === Table.deadLetters) table.put(key.slice(), value.slice());
    },
    delete: (tableId, key) => {
      if (tableId === Table.deadLetters) table.delete(key);
    },
  };
  const reader = new RecordReader();
  const fold = new RecordFold();
  for (const { bytes, start, end } of store.journal.readRuns(store.tables.appliedTxId + 1)) {
    for (let at = start; at < end;) {
      at = reader.open(bytes, at, end);
      fold.fold(reader, sink);
    }
  }
  return listDeadLetters({ range: (_tableId, options) => table.range(options) });
}
