import { asBinary } from 'lmdb';
import type { TableChange } from '@aep/store';
import { CHECK_BYTES, copyChecked, keySeed, type ViewedBytes, viewed } from './entry-check.js';

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

  /** What lmdb is to write for the change's key, in place of its value; valid until the next call. */
  of(change: TableChange): Uint8Array {
    const length = change.valueEnd - change.valueStart;
    const block = this.blockFor(length + CHECK_BYTES);
    const from = this.used;
    const seed = keySeed(change.tableId, change.keyBytes, change.keyStart, change.keyEnd);
    const check = copyChecked(seed, change, block.view, from);
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

/** A checkpoint of 8,192 entries has 1 to 2 MiB of values. */
const BLOCK_BYTES = 256 * 1024;
const BLOCKS_KEPT = 16;

function makeBlock(length: number): Block {
  const bytes = new Uint8Array(length);
  const window = Object.assign(new Uint8Array(bytes.buffer), { start: 0, end: 0 });
  return { ...viewed(bytes), window, value: asBinary(window) as unknown as Uint8Array };
}
