import { AepError } from '@aep/kernel';
import { type CollectionInfo, encodeStateKey, parseStateKey, type StateRootType } from '@aep/state';
import { RecordFlag, RecordReader, SYSTEM_TABLES_FROM } from '@aep/store';
import type { LmdbStoreReader } from '@aep/store-lmdb';
import { unknownName, usageError } from '../usage-error.js';
import type { AppTypes } from './app-types.js';
import { tableName } from './record-json.js';
import type { StateAt } from './state-at.js';

/** A table of the app as commands name it. */
export interface ShownTable {
  readonly tableId: number;
  readonly name: string;
  /** Undefined when the state root is not known. */
  readonly info: CollectionInfo | undefined;
}

/** Field numbers that are looked at when the state root is not known; higher ones need it. */
const GUESSED_TABLES = 256;

/** The app's tables: by its state root, or those that hold something. */
export function tablesOf(types: AppTypes, state: StateAt): ShownTable[] {
  if (types.root !== undefined)
    return types.root.collections.map((info) => ({ tableId: info.id, name: info.name, info }));
  const candidates = Array.from({ length: GUESSED_TABLES }, (_, id) => id);
  const ids = state.tableIds(candidates).filter((id) => id < SYSTEM_TABLES_FROM);
  return ids.map((tableId) => ({ tableId, name: tableName(tableId), info: undefined }));
}

/** @throws AEP_CLI_NAME_UNKNOWN */
export function findTable(tables: readonly ShownTable[], name: string): ShownTable {
  const table = tables.find((each) => each.name === name || String(each.tableId) === name);
  if (table !== undefined) return table;
  throw unknownName(
    'collection',
    name,
    tables.map((each) => each.name),
  );
}

/** The bytes of a key that a person typed: by the collection's kind of key, or `0x…`. @throws AEP_STATE_KEY_INVALID, AEP_CLI_USAGE */
export function keyBytes({ info, name }: ShownTable, text: string): Uint8Array {
  if (/^0x([0-9a-f]{2})*$/i.test(text)) return Buffer.from(text.slice(2), 'hex');
  if (info === undefined) throw usageError(`the keys of ${name} are shown as bytes: write --key 0x…, or add --types`);
  if (info.kind === 'values') throw usageError(`"${name}" are the single values of the state, which have no key`);
  return encodeStateKey(info, parseStateKey(info.kind === 'queue' ? 'position' : info.keyKind!, text));
}

/** An event-sourced app keeps no state in its store, only what made it. @throws AEP_CLI_EVENT_SOURCED */
export function refuseEventSourced({ journal }: LmdbStoreReader, root: StateRootType | undefined): void {
  if (root !== undefined || journal.stableTxId < journal.firstTxId) return;
  const reader = new RecordReader();
  for (const { bytes } of journal.read(journal.stableTxId)) {
    reader.open(bytes);
    if ((reader.flags & RecordFlag.eventSourced) === 0) return;
    const text =
      'the app is event-sourced: its store holds the messages, and its handlers make the state of them; look at it with a command of the app, or list the journal';
    throw new AepError('AEP_CLI_EVENT_SOURCED', 'reject', text);
  }
}
