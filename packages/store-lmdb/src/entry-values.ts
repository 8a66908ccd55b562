import { asBinary } from 'lmdb';
import { CHECK_BYTES, copyChecked, keySeed, type ViewedBytes, type ViewedPart, viewed } from './entry-check.js';
import type { TableKey } from './table-key.js';

/** A typed array with the two numbers by which lmdb takes a part of it instead of the whole. */
interface Windowed extends Uint8Array {
  /** Offsets in the underlying buffer. */
  start: number;
  end: number;
}

interface Block extends ViewedBytes {
  readonly window: Windowed;
  readonly value: Uint8Array;
}

/**
 * The values of one write with their checksums behind them, as lmdb takes them without an object per value. lmdb notes
 * address and length during the put; the bytes are read when the transaction is written, on another thread. So they lie in
 * blocks of our own, which stay as they are until {@link EntryValues.clear} and are used again by the next write.
 */
export class EntryValues {
  private blocks: Block[] = [];
  private current = 0;
  private used = 0;
  private source: ViewedPart = NO_SOURCE;

  /** What lmdb is to write for the key, in place of `bytes[start, end)`; valid until the next call. */
  of(key: TableKey, bytes: Uint8Array, start: number, end: number): Uint8Array {
    if (this.source.bytes !== bytes) this.source = { ...viewed(bytes), start, end };
    const { source } = this;
    source.start = start;
    source.end = end;
    const length = end - start;
    const block = this.blockFor(length + CHECK_BYTES);
    const from = this.used;
    const seed = keySeed(key.tableId, key.bytes, key.start, key.end);
    const check = copyChecked(seed, source, block.view, from);
    block.view.setInt32(from + length, check, true);
    this.used = from + length + CHECK_BYTES;
    block.window.start = from;
    block.window.end = this.used;
    return block.value;
  }

  /** The write has ended. What a usual write needs is kept; after a large one the rest is given back. */
  clear(): void {
    this.current = 0;
    this.used = 0;
    this.source = NO_SOURCE;
    this.blocks = this.blocks.filter(({ bytes }) => bytes.length === BLOCK_BYTES).slice(0, BLOCKS_KEPT);
  }

  private blockFor(length: number): Block {
    for (; this.current < this.blocks.length; this.current++, this.used = 0) {
      const block = this.blocks[this.current]!;
      if (this.used + length <= block.bytes.length) return block;
    }
    const block = makeBlock(Math.max(length, BLOCK_BYTES));
    this.blocks.push(block);
    return block;
  }
}

const NO_SOURCE: ViewedPart = { ...viewed(new Uint8Array(0)), start: 0, end: 0 };
/** A checkpoint of 8,192 entries has 1 to 2 MiB of values. */
const BLOCK_BYTES = 256 * 1024;
const BLOCKS_KEPT = 16;

function makeBlock(length: number): Block {
  const bytes = new Uint8Array(length);
  const window = Object.assign(new Uint8Array(bytes.buffer), { start: 0, end: 0 });
  return { ...viewed(bytes), window, value: asBinary(window) as unknown as Uint8Array };
}
