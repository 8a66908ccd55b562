import { AepError, describeError } from '@aep/kernel';
import type { StateKey, TableKeyKind } from './key-codec.js';

/** Where an entry lives, for messages. */
export interface EntryPlace {
  readonly table: { readonly id: number; readonly name: string };
  readonly key: StateKey;
}

export function keyInvalid(kind: TableKeyKind, key: unknown, problem: string): AepError {
  return new AepError('AEP_STATE_KEY_INVALID', 'reject', `${shortText(key)} is no key of kind ${kind}: ${problem}`, {
    kind,
    key: shortText(key),
  });
}

export function keyExists(place: EntryPlace): AepError {
  return new AepError(
    'AEP_STATE_KEY_EXISTS',
    'reject',
    `${describePlace(place)} exists already: use get, or getOrCreate when it may exist`,
    factsOf(place),
  );
}

export function outsideTransaction(place: EntryPlace): AepError {
  return new AepError(
    'AEP_STATE_OUTSIDE_TRANSACTION',
    'reject',
    `${describePlace(place)} was to be changed outside a transaction: state changes inside handlers only; inject or send a message to have one run`,
    factsOf(place),
  );
}

export function entityExpired(place: EntryPlace): AepError {
  return new AepError(
    'AEP_STATE_ENTITY_EXPIRED',
    'reject',
    `${describePlace(place)} was obtained in an earlier handler call (or rolled back, or dropped since): keep the key and get the entity again`,
    factsOf(place),
  );
}

export function entityDeleted(place: EntryPlace): AepError {
  return new AepError(
    'AEP_STATE_ENTITY_DELETED',
    'reject',
    `${describePlace(place)} was deleted in this transaction and cannot be changed: create it again`,
    factsOf(place),
  );
}

export function entryInvalid(place: EntryPlace, cause: unknown): AepError {
  return new AepError(
    'AEP_STATE_ENTRY_INVALID',
    'fatal',
    `the stored bytes of ${describePlace(place)} cannot be read: ${describeError(cause)}; was the collection's type or number changed in its .proto?`,
    factsOf(place),
    cause,
  );
}

export function describePlace(place: EntryPlace): string {
  return `entry ${shortText(place.key)} of ${place.table.name}`;
}

export function factsOf(place: EntryPlace): Record<string, string | number> {
  return { collection: place.table.name, tableId: place.table.id, key: shortText(place.key) };
}

/** Keys may hold 1,900 bytes; an error shows the first 80 characters. */
function shortText(key: unknown): string {
  const isSimple = typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean' || key === undefined;
  const text = typeof key === 'string' ? JSON.stringify(key) : isSimple ? String(key) : `a value of type ${typeof key}`;
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
