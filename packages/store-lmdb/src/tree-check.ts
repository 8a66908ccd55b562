import type { AepError } from '@aep/kernel';
import { storeDamaged } from './environment.js';
import { type FileHead, type Page, PageFile, type TreeRoot } from './page-file.js';

/**
 * Looks for pages that lie where they do not belong. LMDB follows page numbers and does not compare them with what a page
 * says of itself; an older root, or a leaf of elsewhere at the end of a tree, makes a journal that is consistent and too short:
 *
 *     commit 90   main: runs -> page 41 (records 1..90)       page 2, the root of the main tree, is overwritten with
 *     commit 39   main: runs -> page 12 (records 1..39)       what page 7 has: the journal ends at record 39
 *
 * Checked are the root of the main tree (the newest commit has written it), both edges of each named tree, since first and
 * last record are found there, and the whole list of free pages, because a wrong one would give away pages that are in use.
 * What lies between the edges of a tree is found when it is read: records are chained, entries of tables have checksums.
 * Only for a file that nobody writes.
 *
 * @throws AEP_STORE_DAMAGED
 */
export function checkTrees(path: string): void {
  const file = new PageFile(path);
  try {
    const head = file.head();
    if (head !== undefined) new TreeCheck(file, head).run();
  } finally {
    file.close();
  }
}

class TreeCheck {
  private freePagesLeft = FREE_PAGES_MAX;

  constructor(
    private readonly file: PageFile,
    private readonly head: FileHead,
  ) {}

  run(): void {
    const { main, freePages, txnId } = this.head;
    this.checkFreePages(freePages.page, freePages.depth);
    if (main.depth === 0) return;
    const root = this.read(main.page, main.depth);
    if (root.txnId !== txnId) {
      throw this.damaged(main.page, `was written by transaction ${root.txnId}, and the newest is ${txnId}`);
    }
    this.checkNamed(main.page, main.depth);
  }

  /** The named databases: their roots are the values of the main tree. */
  private checkNamed(number: number, depth: number): void {
    const page = this.read(number, depth);
    for (let index = 0; index < page.nodeCount; index++) {
      if (depth > 1) {
        this.checkNamed(page.child(index), depth - 1);
        continue;
      }
      const root = page.namedRoot(index);
      if (root === undefined || root.depth === 0) continue;
      this.checkEdge(root, () => 0);
      this.checkEdge(root, ({ nodeCount }) => nodeCount - 1);
    }
  }

  private checkEdge(root: TreeRoot, side: (page: Page) => number): void {
    let number = root.page;
    for (let { depth } = root; depth > 0; depth--) {
      const page = this.read(number, depth);
      if (depth > 1) number = page.child(side(page));
    }
  }

  private checkFreePages(number: number, depth: number): void {
    if (depth === 0 || --this.freePagesLeft < 0) return;
    const page = this.read(number, depth);
    for (let index = 0; index < page.nodeCount; index++) {
      if (depth > 1) this.checkFreePages(page.child(index), depth - 1);
      else this.checkOverflow(page, index);
    }
  }

  private checkOverflow(page: Page, index: number): void {
    const value = page.overflow(index);
    if (value === undefined) return;
    const found = this.file.page(value.page);
    if (found?.number !== value.page || found.txnId !== value.txnId)
      throw this.damaged(value.page, 'is not the value that belongs there');
  }

  /** A page of a tree, `depth` levels above the end of a leaf. @throws AEP_STORE_DAMAGED */
  private read(number: number, depth: number): Page {
    const page = this.file.page(number);
    if (page === undefined) throw this.damaged(number, 'lies behind the end of the file');
    if (page.number !== number) throw this.damaged(number, `says that it is page ${page.number}`);
    if (page.txnId > this.head.txnId) {
      throw this.damaged(number, `was written by transaction ${page.txnId}, and the newest is ${this.head.txnId}`);
    }
    if (!(depth > 1 ? page.isBranch : page.isLeaf) || page.nodeCount === 0)
      throw this.damaged(number, `is no ${depth > 1 ? 'branch' : 'leaf'} of a tree`);
    return page;
  }

  private damaged(page: number, what: string): AepError {
    const { path } = this.file;
    return storeDamaged(`page ${page} of ${path} ${what}`, { path, page });
  }
}

/** Pages of the list of free pages that are looked at; 16 MiB of reading at most. */
const FREE_PAGES_MAX = 4096;
