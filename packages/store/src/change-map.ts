import { sortedByKey } from './change-order.js';
import {
  channelTagOf,
  DEDUPE_MARK_BYTES,
  type FoldSink,
  STREAM_KEY_BYTES_MAX,
  writeChannelKey,
  writeDedupeKey,
  writeDedupeMark,
  writeFlowKey,
} from './fold.js';
import type { RecordReader } from './record-reader.js';
import type { TableChange, TableChanges } from './store.js';
import { Table } from './tables.js';

/**
 * The changes of many records, coalesced: one entry per key, the last value wins. Values are not copied: an entry points
 * into the bytes of the record that made it, which never change. So a change costs a hash of its key and a few stores, and
 * the map keeps alive the journal bytes that it was folded from (their sum is bounded by its user). Keys lie together in an
 * array of the map's own: they are compared, sorted and written later, when the records have left the processor's cache.
 *
 * Entries are numbers in typed arrays, and the byte arrays they point into are few: nothing here is an object per change,
 * which the garbage collector would have to look at.
 *
 * Marks of streams (dedupe, sequences) change with nearly every record; they are updated in place, and the stream of
 * the record before is found without hashing.
 */
export class ChangeMap implements FoldSink, TableChanges {
  size = 0;
  private slots = new Int32Array(SLOTS_AT_FIRST).fill(FREE);
  private hashes = new Int32Array(SLOTS_AT_FIRST / 2);
  private tableIds = new Uint16Array(SLOTS_AT_FIRST / 2);
  private keys = new Uint8Array(SLOTS_AT_FIRST * 16);
  private keysEnd = 0;
  /** Per entry: where its key is in `keys`, then which of the sources holds the value and where; source 0 deletes. */
  private places = new Uint32Array((SLOTS_AT_FIRST / 2) * PLACE_NUMBERS);
  /** Byte arrays that hold values. The first stands for "no value". */
  private sources: Uint8Array[] = [NO_BYTES];
  private views: DataView[] = [NO_VIEW];
  private lastSource = 0;

  /** The key that is being looked for. */
  private readonly wanted: WantedKey = { tableId: 0, bytes: NO_BYTES, start: 0, end: 0, hash: 0 };
  private readonly scratch = new Uint8Array(STREAM_KEY_BYTES_MAX);
  private readonly lastReceived = new RecentStream();
  private readonly lastChannel = new RecentStream();
  private lastFlow = NO_FLOW;
  private lastFlowMark: DataView = NO_MARK;
  private readonly marks = new Map<number, DataView>();

  put(reader: RecordReader): void {
    const at = this.entryOf(reader.tableId, reader.bytes, reader.keyStart, reader.keyEnd) * PLACE_NUMBERS;
    this.places[at + 2] = this.sourceOf(reader.bytes);
    this.places[at + 3] = reader.contentStart;
    this.places[at + 4] = reader.contentEnd;
  }

  delete(reader: RecordReader): void {
    const entry = this.entryOf(reader.tableId, reader.bytes, reader.keyStart, reader.keyEnd);
    this.places[entry * PLACE_NUMBERS + 2] = 0;
  }

  received(reader: RecordReader): void {
    const recent = this.lastReceived;
    if (!recent.matches(reader, reader.senderId, reader.flow)) {
      const length = writeDedupeKey(this.scratch, channelTagOf(reader), reader.senderId, reader.flow);
      recent.remember(reader, this.markOf(Table.dedupe, length, DEDUPE_MARK_BYTES), reader.senderId);
    }
    writeDedupeMark(recent.mark, reader.incarnation, reader.sno, reader.channelSno);
  }

  sent(reader: RecordReader): void {
    if (reader.sno > 0) {
      if (reader.flow !== this.lastFlow) {
        this.lastFlow = reader.flow;
        this.lastFlowMark = this.markOf(Table.sequences, writeFlowKey(this.scratch, reader.flow), 8);
      }
      this.lastFlowMark.setFloat64(0, reader.sno, true);
    }
    const recent = this.lastChannel;
    if (!recent.matches(reader, 0, reader.flow)) {
      const length = writeChannelKey(this.scratch, channelTagOf(reader), reader.flow);
      recent.remember(reader, this.markOf(Table.sequences, length, 8), 0);
    }
    recent.mark.setFloat64(0, reader.channelSno, true);
  }

  /** In order of table, then key. */
  *[Symbol.iterator](): IterableIterator<{ tableId: number; key: Uint8Array; value: Uint8Array | undefined }> {
    const change = new Change();
    for (const entry of this.sorted()) {
      this.show(entry, change);
      const { tableId, valueBytes } = change;
      yield {
        tableId,
        // A copy: the map may be cleared while somebody keeps it.
        key: change.keyBytes.slice(change.keyStart, change.keyEnd),
        value: valueBytes?.subarray(change.valueStart, change.valueEnd),
      };
    }
  }

  forEach(visit: (change: TableChange) => void): void {
    const order = this.sorted();
    const change = new Change();
    for (let index = 0; index < order.length; index++) {
      this.show(order[index]!, change);
      visit(change);
    }
  }

  /** Forgets all changes and keeps the storage for the next ones. */
  clear(): void {
    this.size = 0;
    this.keysEnd = 0;
    if (this.keys.length > KEYS_KEPT_BYTES) this.keys = new Uint8Array(KEYS_KEPT_BYTES);
    this.slots.fill(FREE);
    this.sources = [NO_BYTES];
    this.views = [NO_VIEW];
    this.lastSource = 0;
    this.lastReceived.forget();
    this.lastChannel.forget();
    this.lastFlow = NO_FLOW;
    this.marks.clear();
  }

  private show(entry: number, change: Change): void {
    const { places, sources, views } = this;
    const at = entry * PLACE_NUMBERS;
    const valueSource = places[at + 2]!;
    change.tableId = this.tableIds[entry]!;
    change.keyBytes = this.keys;
    change.keyStart = places[at]!;
    change.keyEnd = places[at + 1]!;
    change.valueBytes = valueSource === 0 ? undefined : sources[valueSource]!;
    change.valueView = views[valueSource]!;
    change.valueStart = places[at + 3]!;
    change.valueEnd = places[at + 4]!;
  }

  private sorted(): Uint32Array {
    const { size, tableIds, keys, places } = this;
    return sortedByKey({
      size,
      tableIds,
      keys,
      startOf: (entry) => places[entry * PLACE_NUMBERS]!,
      endOf: (entry) => places[entry * PLACE_NUMBERS + 1]!,
    });
  }

  /** Value of the stream whose key lies in `scratch`; it is updated in place. */
  private markOf(tableId: number, keyLength: number, valueLength: number): DataView {
    const entry = this.entryOf(tableId, this.scratch, 0, keyLength);
    const at = entry * PLACE_NUMBERS;
    let mark = this.marks.get(entry);
    if (mark === undefined) {
      const value = new Uint8Array(valueLength);
      mark = new DataView(value.buffer);
      this.marks.set(entry, mark);
      this.places[at + 2] = this.addSource(value, mark);
      this.places[at + 3] = 0;
      this.places[at + 4] = valueLength;
    }
    return mark;
  }

  /** Records come in runs that share their bytes. */
  private sourceOf(bytes: Uint8Array): number {
    if (this.sources[this.lastSource] !== bytes)
      this.lastSource = this.addSource(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
    return this.lastSource;
  }

  private addSource(bytes: Uint8Array, view: DataView): number {
    this.views.push(view);
    return this.sources.push(bytes) - 1;
  }

  private entryOf(tableId: number, bytes: Uint8Array, start: number, end: number): number {
    const { wanted } = this;
    wanted.tableId = tableId;
    wanted.bytes = bytes;
    wanted.start = start;
    wanted.end = end;
    wanted.hash = hashKey(tableId, bytes, start, end);
    const mask = this.slots.length - 1;
    for (let slot = wanted.hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.slots[slot]!;
      if (entry === FREE) return this.insertWanted();
      if (this.hashes[entry] === wanted.hash && this.isWanted(entry)) return entry;
    }
  }

  private isWanted(entry: number): boolean {
    const { tableId, bytes, start, end } = this.wanted;
    if (this.tableIds[entry] !== tableId) return false;
    const at = entry * PLACE_NUMBERS;
    const { keys } = this;
    const from = this.places[at]!;
    const length = end - start;
    if (this.places[at + 1]! - from !== length) return false;
    for (let index = 0; index < length; index++) {
      if (keys[from + index] !== bytes[start + index]) return false;
    }
    return true;
  }

  private insertWanted(): number {
    if (this.size === this.hashes.length) this.grow();
    const { tableId, bytes, start, end, hash } = this.wanted;
    const entry = this.size++;
    const at = entry * PLACE_NUMBERS;
    this.hashes[entry] = hash;
    this.tableIds[entry] = tableId;
    this.places[at] = this.keysEnd;
    this.keepKey(bytes, start, end);
    this.places[at + 1] = this.keysEnd;
    this.places[at + 2] = 0;
    occupy(this.slots, hash, entry);
    return entry;
  }

  private keepKey(bytes: Uint8Array, start: number, end: number): void {
    const keysEnd = this.keysEnd + end - start;
    if (keysEnd > this.keys.length) this.keys = grown(this.keys, new Uint8Array(2 * keysEnd));
    const { keys } = this;
    for (let from = start, to = this.keysEnd; from < end; from++, to++) keys[to] = bytes[from]!;
    this.keysEnd = keysEnd;
  }

  /** At half full: long probes would cost more than the memory. */
  private grow(): void {
    const capacity = this.slots.length * 2;
    this.slots = new Int32Array(capacity).fill(FREE);
    for (let entry = 0; entry < this.size; entry++) occupy(this.slots, this.hashes[entry]!, entry);
    this.hashes = grown(this.hashes, new Int32Array(capacity / 2));
    this.tableIds = grown(this.tableIds, new Uint16Array(capacity / 2));
    this.places = grown(this.places, new Uint32Array((capacity / 2) * PLACE_NUMBERS));
  }
}

class Change implements TableChange {
  tableId = 0;
  keyBytes: Uint8Array = NO_BYTES;
  keyStart = 0;
  keyEnd = 0;
  valueBytes: Uint8Array | undefined = NO_BYTES;
  valueView: DataView = NO_VIEW;
  valueStart = 0;
  valueEnd = 0;
}

/** The stream of the record before: mostly it is the stream of this one too. */
class RecentStream {
  mark: DataView = NO_MARK;
  private readonly tag = new Uint8Array(STREAM_KEY_BYTES_MAX);
  private tagLength = 0;
  private senderId = 0;
  private flow = NO_FLOW;

  matches(reader: RecordReader, senderId: number, flow: number): boolean {
    const start = reader.channelTagStart;
    const length = reader.channelTagEnd - start;
    if (flow !== this.flow || length !== this.tagLength || senderId !== this.senderId) return false;
    const { tag } = this;
    const { bytes } = reader;
    // From the back: channels of one bus differ there.
    for (let index = length - 1; index >= 0; index--) {
      if (tag[index] !== bytes[start + index]) return false;
    }
    return true;
  }

  remember(reader: RecordReader, mark: DataView, senderId: number): void {
    const tag = channelTagOf(reader);
    this.tag.set(tag);
    this.tagLength = tag.length;
    this.mark = mark;
    this.senderId = senderId;
    this.flow = reader.flow;
  }

  forget(): void {
    this.flow = NO_FLOW;
  }
}

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);
const NO_MARK = new DataView(new ArrayBuffer(DEDUPE_MARK_BYTES));
/** No flow has this number. */
const NO_FLOW = -1;
const FREE = -1;
/** Few: every start of an engine makes a map or two, and one that gets many changes grows once and keeps what it has. */
const SLOTS_AT_FIRST = 64;
const PLACE_NUMBERS = 5;
/** Keys of some 8,000 entries; more is given back after a checkpoint. */
const KEYS_KEPT_BYTES = 1024 * 1024;

function occupy(slots: Int32Array, hash: number, entry: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== FREE) slot = (slot + 1) & mask;
  slots[slot] = entry;
}

function grown<T extends Int32Array | Uint8Array | Uint16Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Keys of one table share prefixes and end in digits, so every byte goes in and the end is spread (murmur3's steps). */
function hashKey(tableId: number, bytes: Uint8Array, start: number, end: number): number {
  let hash = tableId ^ 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

interface WantedKey {
  tableId: number;
  bytes: Uint8Array;
  start: number;
  end: number;
  hash: number;
}
