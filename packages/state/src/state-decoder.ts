import { AepError } from '@aep/kernel';
import type { JsonValue } from '@aep/messages';
import { KEY_BYTES_MAX, Table } from '@aep/store';
import { keyCodec, type StateKey, type TableKeyKind } from './key-codec.js';
import { entryInvalid } from './state-errors.js';
import type { CollectionInfo, StateRootType } from './state-root.js';
import { TableBounds } from './table-bounds.js';

/** A table entry as a person can read it. */
export interface DecodedEntry {
  readonly tableId: number;
  /** Name of the collection, queue or `values`; for the kept sizes, the name of the collection that they are of. */
  readonly collection: string;
  readonly kind: CollectionInfo['kind'] | 'bounds';
  /** Undefined for single values and for bounds. The position, for a queue. */
  readonly key: StateKey | undefined;
  readonly value: JsonValue;
}

/**
 * Decodes one durable entry by the tables of a state root: for `aep state show`, journal listings and state diffs.
 * Undefined when the table is none of the root's (tables of the engine itself, a collection that the .proto dropped).
 *
 * @throws AEP_STATE_KEY_INVALID, AEP_STATE_ENTRY_INVALID when the bytes do not fit the declared types
 */
export function decodeStateEntry(
  root: StateRootType,
  tableId: number,
  key: Uint8Array,
  value: Uint8Array,
): DecodedEntry | undefined {
  if (tableId === Table.collectionSizes) return decodeBounds(root, key, value);
  const info = root.collections.find((collection) => collection.id === tableId);
  if (info === undefined) return undefined;
  const decodedKey = keyCodec(keyKindOf(info)).decode(key);
  const entity = info.entity.create();
  try {
    entity.$decode(value, 0, value.length);
  } catch (thrown) {
    throw entryInvalid({ table: info, key: decodedKey }, thrown);
  }
  const shownKey = info.kind === 'values' ? undefined : decodedKey;
  return { tableId, collection: info.name, kind: info.kind, key: shownKey, value: entity.toJSON() };
}

/**
 * The key bytes under which an entry of a collection is stored, from the key itself (`parseStateKey` makes one of text).
 * @throws AEP_STATE_KEY_INVALID
 */
export function encodeStateKey(info: CollectionInfo, key: StateKey): Uint8Array {
  const bytes = new Uint8Array(KEY_BYTES_MAX);
  return bytes.slice(0, keyCodec(keyKindOf(info)).encode(key, bytes));
}

function decodeBounds(root: StateRootType, key: Uint8Array, value: Uint8Array): DecodedEntry {
  const id = keyCodec('uint32').decode(key) as number;
  const name = root.collections.find((collection) => collection.id === id)?.name ?? `table ${id}`;
  const bounds = new TableBounds();
  bounds.$decode(value, 0, value.length);
  return { tableId: Table.collectionSizes, collection: name, kind: 'bounds', key: undefined, value: bounds.toJSON() };
}

function keyKindOf(info: CollectionInfo): TableKeyKind {
  if (info.kind === 'queue') return 'position';
  if (info.kind === 'values') return 'bool';
  if (info.keyKind !== undefined) return info.keyKind;
  throw new AepError('AEP_STATE_TABLE_INVALID', 'reject', `collection "${info.name}" declares no kind of key`, {
    collection: info.name,
    tableId: info.id,
  });
}
