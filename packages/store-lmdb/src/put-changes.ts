import { assert } from '@aep/kernel';
import { KEY_BYTES_MAX, type TableChanges } from '@aep/store';
import type { EntryValues } from './entry-values.js';
import type { Environments } from './environment.js';
import { MetaName, numberBytes } from './store-meta.js';
import { asLmdbKey, TABLE_ID_MAX, TableKey } from './table-key.js';

/** Inside one LMDB transaction, of whichever kind: the position moves with what it covers (E35). */
export function putChanges(
  { tables, stateMeta }: Environments,
  values: EntryValues,
  changes: TableChanges,
  appliedTxId: number,
): void {
  const key = new TableKey(0, NO_BYTES);
  changes.forEach((change) => {
    const { tableId, keyStart, keyEnd } = change;
    assert(tableId <= TABLE_ID_MAX && keyEnd - keyStart <= KEY_BYTES_MAX, 'table ids and keys are within their limits');
    key.at(tableId, change.keyBytes, keyStart, keyEnd);
    if (change.valueBytes === undefined) void tables.remove(asLmdbKey(key));
    else void tables.put(asLmdbKey(key), values.of(change));
  });
  void stateMeta.put(MetaName.appliedTxId, numberBytes(MetaName.appliedTxId, appliedTxId));
}

const NO_BYTES = new Uint8Array(0);
