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
import type { TableChanges } from './store.js';
import { Table } from './tables.js';

/**
 * The changes of many records, coalesced: one entry per key, the last value wins. Keys and values are not copied: an
 * entry points into the bytes of the record that made it, which never change. So a change costs a hash of its key and
 * a few stores, and the map keeps alive the journal bytes that it was folded from (their sum is bounded by its user).
 *
 * Marks of streams (dedupe, sequences) change with nearly every record; they are updated in place, and the stream of
 * the record before is found without hashing.
 */
export class ChangeMap implements FoldSink, TableChanges {
  size = 0;
  private slots = new Int32Array(SLOTS_AT_FIRST).fill(FREE);
  private hashes = new Int32Array(SLOTS_AT_FIRST / 2);
  private tableIds = new Uint16Array(SLOTS_AT_FIRST / 2);
  /** Four numbers per entry: where its key and its value begin and end in `sources` and `values`. */
  private places = new Uint32Array(SLOTS_AT_FIRST * 2);
  private readonly sources: Uint8Array[] = [];
  /** Bytes that hold the value; undefined deletes. */
  private readonly values: (Uint8Array | undefined)[] = [];
  /** Of entries that are updated in place. */
  private readonly views: (DataView | undefined)[] = [];

  /** The key that is being looked for. */
  private readonly wanted: WantedKey = { tableId: 0, bytes: NO_BYTES, start: 0, end: 0, hash: 0 };
  private readonly scratch = new Uint8Array(STREAM_KEY_BYTES_MAX);
  private readonly lastReceived = new RecentStream();
  private readonly lastChannel = new RecentStream();
  private lastFlow = -1;
  private lastFlowEntry = 0;

  put(reader: RecordReader): void {
    const entry = this.entryOf(reader.tableId, reader.bytes, reader.keyStart, reader.keyEnd);
    this.values[entry] = reader.bytes;
    this.places[entry * 4 + 2] = reader.contentStart;
    this.places[entry * 4 + 3] = reader.contentEnd;
  }

  delete(reader: RecordReader): void {
    this.values[this.entryOf(reader.tableId, reader.bytes, reader.keyStart, reader.keyEnd)] = undefined;
  }

  received(reader: RecordReader): void {
    const recent = this.lastReceived;
    if (!recent.matches(reader, reader.senderId, reader.flow)) {
      const length = writeDedupeKey(this.scratch, channelTagOf(reader), reader.senderId, reader.flow);
      recent.remember(reader, this.markOf(Table.dedupe, length, DEDUPE_MARK_BYTES), reader.senderId, reader.flow);
    }
    writeDedupeMark(this.views[recent.entry]!, reader.incarnation, reader.sno, reader.channelSno);
  }

  sent(reader: RecordReader): void {
    if (reader.sno > 0) {
      if (reader.flow !== this.lastFlow) {
        this.lastFlow = reader.flow;
        this.lastFlowEntry = this.markOf(Table.sequences, writeFlowKey(this.scratch, reader.flow), 8);
      }
      this.views[this.lastFlowEntry]!.setFloat64(0, reader.sno, true);
    }
    const recent = this.lastChannel;
    if (!recent.matches(reader, 0, reader.flow)) {
      const length = writeChannelKey(this.scratch, channelTagOf(reader), reader.flow);
      recent.remember(reader, this.markOf(Table.sequences, length, 8), 0, reader.flow);
    }
    this.views[recent.entry]!.setFloat64(0, reader.channelSno, true);
  }

  /** In order of table, then key. */
  *[Symbol.iterator](): IterableIterator<{ tableId: number; key: Uint8Array; value: Uint8Array | undefined }> {
    const { places } = this;
    for (const entry of this.sorted()) {
      const at = entry * 4;
      yield {
        tableId: this.tableIds[entry]!,
        key: this.sources[entry]!.subarray(places[at], places[at + 1]),
        value: this.values[entry]?.subarray(places[at + 2], places[at + 3]),
      };
    }
  }

  private sorted(): Uint32Array {
    const order = new Uint32Array(this.size);
    for (let entry = 0; entry < order.length; entry++) order[entry] = entry;
    const ranks = this.ranks();
    return order.sort((left, right) => ranks[left]! - ranks[right]! || this.compareKeys(left, right));
  }

  /** Table id and the four key bytes behind what all keys of the table have in common: decides most comparisons. */
  private ranks(): Float64Array {
    const shared = new Map<number, SharedPrefix>();
    for (let entry = 0; entry < this.size; entry++) {
      const tableId = this.tableIds[entry]!;
      const start = this.places[entry * 4]!;
      const end = this.places[entry * 4 + 1]!;
      const prefix = shared.get(tableId);
      if (prefix === undefined) shared.set(tableId, { bytes: this.sources[entry]!, start, length: end - start });
      else shorten(prefix, this.sources[entry]!, start, end);
    }
    const ranks = new Float64Array(this.size);
    for (let entry = 0; entry < this.size; entry++) {
      const tableId = this.tableIds[entry]!;
      const from = this.places[entry * 4]! + shared.get(tableId)!.length;
      const end = this.places[entry * 4 + 1]!;
      const source = this.sources[entry]!;
      let rank = tableId;
      for (let at = from; at < from + 4; at++) rank = rank * 256 + (at < end ? source[at]! : 0);
      ranks[entry] = rank;
    }
    return ranks;
  }

  private compareKeys(left: number, right: number): number {
    const { places } = this;
    const a = this.sources[left]!;
    const b = this.sources[right]!;
    const aStart = places[left * 4]!;
    const bStart = places[right * 4]!;
    const aLength = places[left * 4 + 1]! - aStart;
    const bLength = places[right * 4 + 1]! - bStart;
    const length = Math.min(aLength, bLength);
    for (let index = 0; index < length; index++) {
      const difference = a[aStart + index]! - b[bStart + index]!;
      if (difference !== 0) return difference;
    }
    return aLength - bLength;
  }

  /** Entry of the stream whose key lies in `scratch`; its value is updated through `views`. */
  private markOf(tableId: number, keyLength: number, valueLength: number): number {
    const before = this.size;
    const entry = this.entryOf(tableId, this.scratch, 0, keyLength);
    if (this.size > before) this.sources[entry] = this.scratch.slice(0, keyLength);
    if (this.views[entry] === undefined) {
      const value = new Uint8Array(valueLength);
      this.views[entry] = new DataView(value.buffer);
      this.values[entry] = value;
      this.places[entry * 4 + 2] = 0;
      this.places[entry * 4 + 3] = valueLength;
    }
    return entry;
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
    const from = this.places[entry * 4]!;
    const length = end - start;
    if (this.places[entry * 4 + 1]! - from !== length) return false;
    const source = this.sources[entry]!;
    for (let index = 0; index < length; index++) {
      if (source[from + index] !== bytes[start + index]) return false;
    }
    return true;
  }

  private insertWanted(): number {
    if (this.size === this.hashes.length) this.grow();
    const { tableId, bytes, start, end, hash } = this.wanted;
    const entry = this.size++;
    this.hashes[entry] = hash;
    this.tableIds[entry] = tableId;
    this.places[entry * 4] = start;
    this.places[entry * 4 + 1] = end;
    this.sources.push(bytes);
    this.values.push(undefined);
    this.views.push(undefined);
    occupy(this.slots, hash, entry);
    return entry;
  }

  /** At half full: long probes would cost more than the memory. */
  private grow(): void {
    const capacity = this.slots.length * 2;
    this.slots = new Int32Array(capacity).fill(FREE);
    for (let entry = 0; entry < this.size; entry++) occupy(this.slots, this.hashes[entry]!, entry);
    this.hashes = grown(this.hashes, new Int32Array(capacity / 2));
    this.tableIds = grown(this.tableIds, new Uint16Array(capacity / 2));
    this.places = grown(this.places, new Uint32Array(capacity * 2));
  }
}

/** The stream of the record before: mostly it is the stream of this one too. */
class RecentStream {
  entry = -1;
  private readonly tag = new Uint8Array(STREAM_KEY_BYTES_MAX);
  private tagLength = 0;
  private senderId = 0;
  private flow = 0;

  matches(reader: RecordReader, senderId: number, flow: number): boolean {
    const start = reader.channelTagStart;
    const length = reader.channelTagEnd - start;
    if (this.entry < 0 || length !== this.tagLength || senderId !== this.senderId || flow !== this.flow) return false;
    const { tag } = this;
    const { bytes } = reader;
    // From the back: channels of one bus differ there.
    for (let index = length - 1; index >= 0; index--) {
      if (tag[index] !== bytes[start + index]) return false;
    }
    return true;
  }

  remember(reader: RecordReader, entry: number, senderId: number, flow: number): void {
    const tag = channelTagOf(reader);
    this.tag.set(tag);
    this.tagLength = tag.length;
    this.entry = entry;
    this.senderId = senderId;
    this.flow = flow;
  }
}

const NO_BYTES = new Uint8Array(0);
const FREE = -1;
const SLOTS_AT_FIRST = 2_048;

function occupy(slots: Int32Array, hash: number, entry: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== FREE) slot = (slot + 1) & mask;
  slots[slot] = entry;
}

function grown<T extends Int32Array | Uint16Array | Uint32Array>(from: T, to: T): T {
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

/** What all keys of a table begin with. */
interface SharedPrefix {
  readonly bytes: Uint8Array;
  readonly start: number;
  length: number;
}

function shorten(prefix: SharedPrefix, bytes: Uint8Array, start: number, end: number): void {
  const length = Math.min(prefix.length, end - start);
  let index = 0;
  while (index < length && prefix.bytes[prefix.start + index] === bytes[start + index]) index++;
  prefix.length = index;
}
