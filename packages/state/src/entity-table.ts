import { assert } from '@aep/kernel';
import type { EntityClass } from '@aep/messages';
import { KEY_BYTES_MAX } from '@aep/store';
import type { ChangeSink, StateSource } from './change-sink.js';
import type { ChangeTracker } from './change-tracker.js';
import { Entry } from './entry.js';
import { EntryStack } from './entry-stack.js';
import { FreshIndex } from './fresh-index.js';
import { type KeyCodec, keyCodec, type StateKey, type TableKeyKind } from './key-codec.js';
import { entryInvalid, keyExists } from './state-errors.js';

export interface TableDefinition {
  readonly id: number;
  /** `orders`, for messages. */
  readonly name: string;
  readonly keyKind: TableKeyKind;
  readonly entityClass: EntityClass;
}

/**
 * One table of entries: what is in memory of it, over its durable part. Collections, queues, single values and the bounds
 * of collections are all faces of such a table.
 */
export class EntityTable {
  readonly id: number;
  readonly name: string;
  readonly codec: KeyCodec;
  /** Entries that the open transaction changed, in order of their first change. */
  readonly changed = new EntryStack();
  isOnChangedList = false;
  /** Entries in memory: pinned, changed and clean ones, tombstones included. */
  private readonly entries = new Map<StateKey, Entry>();
  private readonly entityClass: EntityClass;
  private freshIndexOrNone: FreshIndex | undefined = undefined;
  private readonly keyBytes = new Uint8Array(KEY_BYTES_MAX);

  constructor(
    definition: TableDefinition,
    readonly tracker: ChangeTracker,
    readonly source: StateSource,
  ) {
    this.id = definition.id;
    this.name = definition.name;
    this.codec = keyCodec(definition.keyKind);
    this.entityClass = definition.entityClass;
  }

  /** The entry of the key if it exists, leased to the present period; from memory or the durable table. */
  get(key: StateKey): Entry | undefined {
    const entry = this.entries.get(key) ?? this.load(key);
    if (entry === undefined || !entry.present) return undefined;
    entry.lease = this.tracker.period;
    return entry;
  }

  /** Like {@link get}, but decodes nothing and keeps nothing. */
  has(key: StateKey): boolean {
    const entry = this.entries.get(key);
    if (entry !== undefined) return entry.present;
    return this.readBytes(key) !== undefined;
  }

  /** The entry in memory, be it a tombstone; undefined says that the durable table knows. */
  inMemory(key: StateKey): Entry | undefined {
    return this.entries.get(key);
  }

  /** An entry for bytes just read from the durable table, leased to the present period. Nothing of the key is in memory. */
  adopt(key: StateKey, bytes: Uint8Array): Entry {
    const entry = this.makeEntry(key, false);
    entry.lease = this.tracker.period;
    this.decodeInto(entry, bytes);
    this.entries.set(key, entry);
    this.tracker.cache.addClean(entry, this.tracker.period);
    return entry;
  }

  /** @throws AEP_STATE_KEY_EXISTS, AEP_STATE_KEY_INVALID, AEP_STATE_OUTSIDE_TRANSACTION */
  create(key: StateKey): Entry {
    const known = this.entries.get(key) ?? this.load(key);
    if (known?.present === true) throw keyExists(known);
    return this.createAbsent(key, known);
  }

  /** Creates a key that is known to be neither durable nor in memory: a new position of a queue. */
  createNew(key: StateKey): Entry {
    return this.createAbsent(key, undefined);
  }

  delete(key: StateKey): boolean {
    const entry = this.entries.get(key) ?? this.load(key);
    if (entry === undefined || !entry.present) return false;
    this.tracker.remove(entry);
    return true;
  }

  /** An entry that stays in memory for ever, with default values while the key does not exist. */
  permanent(key: StateKey): Entry {
    assert(!this.entries.has(key), 'a permanent entry is asked for once');
    const entry = this.makeEntry(key, true);
    this.entries.set(key, entry);
    this.reload(entry);
    return entry;
  }

  /** Gives each entry that the transaction changed to the sink, in its last state. */
  handOver(sink: ChangeSink): void {
    const { changed, keyBytes } = this;
    for (let index = 0; index < changed.size; index++) {
      const entry = changed.at(index);
      if (entry.present) sink.put(this.id, keyBytes, this.codec.encode(entry.key, keyBytes), entry.entity);
      else if (entry.sealedPresent) sink.delete(this.id, keyBytes, this.codec.encode(entry.key, keyBytes));
    }
  }

  /** The entry leaves memory; its entity expires. */
  drop(entry: Entry): void {
    this.entries.delete(entry.key);
    this.tracker.cache.forget(entry);
    entry.retire();
  }

  /** Forgets all that is in memory; permanent entries are read again. */
  dropAll(): void {
    this.freshIndexOrNone = undefined;
    for (const entry of this.entries.values()) {
      if (entry.isPermanent) this.reload(entry);
      else this.drop(entry);
    }
  }

  /** Whether memory knows better than the durable table; a checkpoint under way does not count. */
  differsFromSource(entry: Entry): boolean {
    return entry.isChanged || entry.isPinned;
  }

  /** Entries in memory, for walks over all of it. */
  entriesInMemory(): IterableIterator<Entry> {
    return this.entries.values();
  }

  /** The created entries that the durable table may lack, in order of key. Kept from the first call on, so that tables that are never scanned pay nothing for it. */
  freshIndex(): FreshIndex {
    let index = this.freshIndexOrNone;
    if (index === undefined) {
      index = new FreshIndex(this.codec);
      for (const entry of this.entries.values()) if (entry.isFresh) index.insert(entry);
      this.freshIndexOrNone = index;
    }
    return index;
  }

  noteFresh(entry: Entry): void {
    if (entry.isFresh) return;
    entry.isFresh = true;
    this.freshIndexOrNone?.insert(entry);
  }

  forgetFresh(entry: Entry): void {
    if (!entry.isFresh) return;
    entry.isFresh = false;
    this.freshIndexOrNone?.remove(entry);
  }

  private load(key: StateKey): Entry | undefined {
    const bytes = this.readBytes(key);
    return bytes === undefined ? undefined : this.adopt(key, bytes);
  }

  private readBytes(key: StateKey): Uint8Array | undefined {
    const length = this.codec.encode(key, this.keyBytes);
    return this.source.get(this.id, this.keyBytes.subarray(0, length));
  }

  private createAbsent(key: StateKey, tombstone: Entry | undefined): Entry {
    const entry = tombstone ?? this.makeEntry(key, false);
    this.tracker.create(entry);
    if (tombstone === undefined) this.entries.set(key, entry);
    else entry.entity.$reset();
    entry.lease = this.tracker.period;
    return entry;
  }

  private makeEntry(key: StateKey, isPermanent: boolean): Entry {
    return new Entry(this, key, new this.entityClass(), isPermanent);
  }

  private reload(entry: Entry): void {
    this.tracker.cache.forget(entry);
    entry.isFresh = false;
    entry.changedTxId = 0;
    const bytes = this.readBytes(entry.key);
    if (bytes !== undefined) return this.decodeInto(entry, bytes);
    entry.present = false;
    entry.sealedPresent = false;
    entry.entity.$reset();
  }

  private decodeInto(entry: Entry, bytes: Uint8Array): void {
    try {
      entry.entity.$decode(bytes, 0, bytes.length);
    } catch (thrown) {
      throw entryInvalid(entry, thrown);
    }
    entry.present = true;
    entry.sealedPresent = true;
  }
}
