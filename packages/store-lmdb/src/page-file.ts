import { closeSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';

/** Where a tree of an LMDB file begins. */
export interface TreeRoot {
  readonly page: number;
  /** Levels of pages; 0 when the tree is empty. */
  readonly depth: number;
}

/** What the newest commit of an LMDB file says of itself. */
export interface FileHead {
  readonly txnId: number;
  readonly freePages: TreeRoot;
  readonly main: TreeRoot;
}

/**
 * An LMDB data file as pages, read without LMDB; only for files that nobody writes. The layout is that of the data version
 * that the `lmdb` package writes, 2: a header of 24 bytes on each page, meta pages 0 and 1 of which the one with the
 * greater transaction is in force, and in the leaves of the main tree the roots of the named databases.
 */
export class PageFile {
  private readonly handle: number;
  private pageBytes = META_BYTES;

  constructor(readonly path: string) {
    this.handle = openSync(path, 'r');
  }

  /** @returns undefined when it is not a file of the layout that is known here: LMDB says what it thinks of it */
  head(): FileHead | undefined {
    const first = this.meta(0);
    if (first === undefined) return undefined;
    this.pageBytes = first.getUint32(META_TREES, LE);
    if (this.pageBytes < META_BYTES || this.pageBytes > 65_536) return undefined;
    const second = this.meta(1);
    if (second === undefined) return undefined;
    const newest = u64(second, META_TXN_ID) > u64(first, META_TXN_ID) ? second : first;
    return {
      txnId: u64(newest, META_TXN_ID),
      freePages: rootAt(newest, META_TREES),
      main: rootAt(newest, META_TREES + TREE_BYTES),
    };
  }

  /** @returns undefined when the file ends before it */
  page(number: number): Page | undefined {
    const bytes = Buffer.alloc(this.pageBytes);
    const isWhole = readSync(this.handle, bytes, 0, bytes.length, number * this.pageBytes) === bytes.length;
    return isWhole ? new Page(new DataView(bytes.buffer, bytes.byteOffset, bytes.length)) : undefined;
  }

  close(): void {
    closeSync(this.handle);
  }

  private meta(number: number): DataView | undefined {
    const view = this.page(number)?.view;
    return view?.getUint32(META_MAGIC, LE) === MAGIC && view.getUint32(META_VERSION, LE) === DATA_VERSION
      ? view
      : undefined;
  }
}

/** One page of a tree. Offsets that point out of the page throw a RangeError: it is no page of a tree. */
export class Page {
  /** Where it says that it lies. */
  readonly number: number;
  /** The transaction that wrote it. */
  readonly txnId: number;
  readonly isBranch: boolean;
  readonly isLeaf: boolean;

  constructor(readonly view: DataView) {
    this.number = u64(view, 0);
    this.txnId = u64(view, 8);
    const flags = view.getUint16(18, LE);
    this.isBranch = flags === BRANCH;
    this.isLeaf = flags === LEAF;
  }

  /** Nodes: entries of a leaf, children of a branch. */
  get nodeCount(): number {
    return this.view.getUint16(20, LE) >> 1;
  }

  /** Page of the child at `index` of a branch. */
  child(index: number): number {
    const at = this.nodeAt(index);
    // The lower 32 bits are two halves in the machine's order, so they are one number.
    return this.view.getUint32(at, LE) + this.view.getUint16(at + 4, LE) * 0x1_0000_0000;
  }

  /** Root of the named database at `index` of a leaf; undefined when something else is there. */
  namedRoot(index: number): TreeRoot | undefined {
    const at = this.nodeAt(index);
    const isDatabase = (this.view.getUint16(at + 4, LE) & SUB_DATABASE) !== 0;
    return isDatabase ? rootAt(this.view, this.dataAt(at)) : undefined;
  }

  /** First page of the value at `index` of a leaf, and the transaction that wrote it; undefined when it lies in the leaf itself. */
  overflow(index: number): { readonly page: number; readonly txnId: number } | undefined {
    const at = this.nodeAt(index);
    const isBig = (this.view.getUint16(at + 4, LE) & BIG_VALUE) !== 0;
    const data = this.dataAt(at);
    return isBig ? { page: u64(this.view, data), txnId: u64(this.view, data + 8) } : undefined;
  }

  private nodeAt(index: number): number {
    return PAGE_HEADER + this.view.getUint16(PAGE_HEADER + 2 * index, LE);
  }

  private dataAt(node: number): number {
    return node + NODE_HEADER + this.view.getUint16(node + 6, LE);
  }
}

const LE = endianness() === 'LE';
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
/** The smallest page that LMDB makes is larger than what is read of a meta page. */
const META_BYTES = 256;
const PAGE_HEADER = 24;
const NODE_HEADER = 8;
const META_MAGIC = PAGE_HEADER;
const META_VERSION = PAGE_HEADER + 4;
const META_TREES = PAGE_HEADER + 24;
const TREE_BYTES = 48;
const META_TXN_ID = META_TREES + 2 * TREE_BYTES + 8;
const BRANCH = 1;
const LEAF = 2;
const BIG_VALUE = 1;
const SUB_DATABASE = 2;

/** Beyond 2^53 the number is not exact: then it is no page or transaction that there could be, which is all that matters. */
function u64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, LE));
}

function rootAt(view: DataView, at: number): TreeRoot {
  return { depth: view.getUint16(at + 6, LE), page: u64(view, at + 40) };
}
