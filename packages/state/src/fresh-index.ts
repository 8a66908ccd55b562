import { assert } from '@aep/kernel';
import type { Entry } from './entry.js';
import type { KeyCodec, StateKey } from './key-codec.js';

/**
 * Entries in order of key: two levels of sorted arrays, a search and a short copy per insertion. A walk asks for one
 * neighbour at a time by key, so that insertions and removals between two steps do no harm.
 */
export class FreshIndex {
  size = 0;
  /** None is empty. */
  private readonly chunks: Entry[][] = [];

  constructor(private readonly codec: KeyCodec) {}

  insert(entry: Entry): void {
    this.size++;
    const { chunks } = this;
    if (chunks.length === 0) {
      chunks.push([entry]);
      return;
    }
    const chunkIndex = Math.min(this.chunkOf(entry.key), chunks.length - 1);
    const chunk = chunks[chunkIndex]!;
    const place = this.placeIn(chunk, entry.key);
    assert(chunk[place]?.key !== entry.key, 'a key is in the index once');
    chunk.splice(place, 0, entry);
    if (chunk.length > CHUNK_ENTRIES_MAX) chunks.splice(chunkIndex + 1, 0, chunk.splice(CHUNK_ENTRIES_MAX / 2));
  }

  remove(entry: Entry): void {
    const chunkIndex = this.chunkOf(entry.key);
    const chunk = this.chunks[chunkIndex];
    const place = chunk === undefined ? 0 : this.placeIn(chunk, entry.key);
    assert(chunk?.[place] === entry, 'an entry that is removed is in the index');
    chunk.splice(place, 1);
    if (chunk.length === 0) this.chunks.splice(chunkIndex, 1);
    this.size--;
  }

  /** The first entry whose key is after `key` (or equal, when `inclusive`); the first of all without a key. */
  after(key: StateKey | undefined, inclusive: boolean): Entry | undefined {
    if (key === undefined) return this.chunks[0]?.[0];
    const chunkIndex = this.chunkOf(key);
    const chunk = this.chunks[chunkIndex];
    if (chunk === undefined) return undefined;
    const place = this.placeIn(chunk, key);
    const entry = chunk[place]!;
    if (inclusive || this.codec.compare(entry.key, key) !== 0) return entry;
    return chunk[place + 1] ?? this.chunks[chunkIndex + 1]?.[0];
  }

  /** The last entry whose key is before `key` (or equal, when `inclusive`); the last of all without a key. */
  before(key: StateKey | undefined, inclusive: boolean): Entry | undefined {
    if (key === undefined) return this.chunks.at(-1)?.at(-1);
    const chunkIndex = this.chunkOf(key);
    const chunk = this.chunks[chunkIndex];
    if (chunk === undefined) return this.chunks.at(-1)?.at(-1);
    const place = this.placeIn(chunk, key);
    const entry = chunk[place]!;
    if (inclusive && this.codec.compare(entry.key, key) === 0) return entry;
    return place > 0 ? chunk[place - 1] : this.chunks[chunkIndex - 1]?.at(-1);
  }

  /** The first chunk whose last key is `key` or after it; the number of chunks when there is none. */
  private chunkOf(key: StateKey): number {
    const { chunks, codec } = this;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = chunks[middle]!;
      if (codec.compare(chunk[chunk.length - 1]!.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first place in the chunk whose key is `key` or after it. */
  private placeIn(chunk: readonly Entry[], key: StateKey): number {
    let low = 0;
    let high = chunk.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.codec.compare(chunk[middle]!.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Short enough that a splice is a copy of a few hundred nanoseconds, long enough that a million entries are 4,000 chunks. */
const CHUNK_ENTRIES_MAX = 512;
