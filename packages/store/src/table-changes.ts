import type { TableChanges } from './store.js';

/** Changes that stand in an array, in order of table, then key; an undefined value deletes. For many, see {@link ChangeMap}. */
export function tableChanges(
  changes: readonly { readonly tableId: number; readonly key: Uint8Array; readonly value?: Uint8Array | undefined }[],
): TableChanges {
  return {
    size: changes.length,
    *[Symbol.iterator]() {
      for (const { tableId, key, value } of changes) yield { tableId, key, value };
    },
    forEach: (visit) => {
      for (const { tableId, key, value } of changes) {
        const ofKey = { keyBytes: key, keyStart: 0, keyEnd: key.length };
        const valueView = new DataView((value ?? key).buffer, (value ?? key).byteOffset, (value ?? key).length);
        visit({ tableId, ...ofKey, valueBytes: value, valueView, valueStart: 0, valueEnd: value?.length ?? 0 });
      }
    },
  };
}
