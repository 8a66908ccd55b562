import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tableChanges } from '@aep/store';
import { checkTrees, PageFile } from '@aep/store-lmdb/internal';
import { inDirectory, open, write } from './file-store.js';

const PAGE_BYTES = 4096;
const DAMAGED = { code: 'AEP_STORE_DAMAGED', advice: 'fatal' };

describe('pages of a closed store that lie where they do not belong (S5)', () => {
  void it('an older root makes a journal that is whole and too short: a start refuses it, naming file and page', async () => {
    await inDirectory(async (path) => {
      const file = await storeAt(path);
      const { main, olderRoots } = rootsOf(file);
      assert.ok(olderRoots.length > 0, 'the file still has roots of earlier commits');
      const good = readFileSync(file);
      let shorter = 0;
      for (const older of olderRoots) {
        writeFileSync(file, withPage(good, main, older));
        await assert.rejects(open(path, { verifyOnOpen: true }), { ...DAMAGED, facts: { path: file, page: main } });
        // Without the check of a start this is what would be served.
        if ((recordsServed(path) ?? RECORDS) < RECORDS) shorter++;
      }
      assert.ok(shorter > 0, 'none of them would have been harmful');
    });
  });

  void it('any other page in the place of a root, of an edge, or of the list of free pages is refused', async () => {
    await inDirectory(async (path) => {
      await storeAt(path);
      for (const name of ['journal', 'state']) {
        const file = join(path, name, 'data.mdb');
        const good = readFileSync(file);
        const places = checkedPages(file);
        assert.ok(places.length >= 4, `${name}: main root, roots and edges of two databases, free pages`);
        for (const place of places) {
          for (let other = 2; other < good.length / PAGE_BYTES; other++) {
            if (other === place) continue;
            writeFileSync(file, withPage(good, place, other));
            assert.throws(() => checkTrees(file), DAMAGED, `${name}: page ${other} in the place of ${place}`);
          }
        }
        writeFileSync(file, good);
        checkTrees(file);
      }
    });
  });

  void it('a file that ends too early is refused, and one that is no LMDB file is left to LMDB', async () => {
    await inDirectory(async (path) => {
      const file = await storeAt(path);
      const good = readFileSync(file);
      writeFileSync(file, good.subarray(0, 2 * PAGE_BYTES));
      assert.throws(() => checkTrees(file), DAMAGED);
      for (const bytes of [Buffer.alloc(0), Buffer.alloc(3 * PAGE_BYTES), good.subarray(0, PAGE_BYTES)]) {
        writeFileSync(file, bytes);
        checkTrees(file);
        await assert.rejects(open(path, { verifyOnOpen: true }), { code: /^AEP_STORE_/ });
      }
    });
  });

  void it('new, trimmed and copied stores have all pages where they belong', async () => {
    await inDirectory(async (path) => {
      await storeAt(path);
      const store = await open(path, { verifyOnOpen: true });
      store.journal.trim(RECORDS / 2);
      await write(store, 10);
      await store.copyTo(join(path, 'copy'));
      await store.close();
      for (const folder of [path, join(path, 'copy')]) await (await open(folder, { verifyOnOpen: true })).close();
    });
  });
});

const RECORDS = 400;

/** A journal and tables of more than one level, and commits enough that roots of older ones are left. @returns the journal's file */
async function storeAt(path: string): Promise<string> {
  const store = await open(path, { durability: 'os' });
  const value = Buffer.alloc(40, 7);
  for (let commit = 0; commit < RECORDS / 5; commit++) {
    await write(store, 5);
    const entries = Array.from({ length: 10 }, (_, index) => ({
      tableId: 1,
      key: Buffer.from(`entry-${commit * 10 + index}`),
      value,
    }));
    await new Promise<void>((resolve) => {
      store.tables.apply(tableChanges(entries), 0, () => resolve());
    });
  }
  await store.close();
  return join(path, 'journal', 'data.mdb');
}

function withPage(good: Buffer, place: number, other: number): Buffer {
  const bytes = Buffer.from(good);
  good.copy(bytes, place * PAGE_BYTES, other * PAGE_BYTES, (other + 1) * PAGE_BYTES);
  return bytes;
}

function rootsOf(path: string): { readonly main: number; readonly olderRoots: readonly number[] } {
  const file = new PageFile(path);
  const { main } = file.head()!;
  const olderRoots: number[] = [];
  for (let number = 2, page = file.page(2); page !== undefined; page = file.page(++number)) {
    if (number !== main.page && page.isLeaf && page.nodeCount === 2 && page.namedRoot(0) !== undefined)
      olderRoots.push(number);
  }
  file.close();
  return { main: main.page, olderRoots };
}

/** Roots, both edges of each named tree, and the root of the list of free pages. */
function checkedPages(path: string): number[] {
  const file = new PageFile(path);
  const { main, freePages } = file.head()!;
  const places = new Set([main.page, freePages.page]);
  const named = [0, 1].map((index) => file.page(main.page)!.namedRoot(index)!);
  assert.ok(
    named.some(({ depth }) => depth > 1),
    'a tree of more than one level',
  );
  for (const { page, depth } of named.filter((root) => root.depth > 0)) {
    for (const isFirst of [true, false]) {
      let number = page;
      places.add(number);
      for (let level = depth; level > 1; level--) {
        const branch = file.page(number)!;
        number = branch.child(isFirst ? 0 : branch.nodeCount - 1);
        places.add(number);
      }
    }
  }
  file.close();
  return [...places];
}

/** By a process of its own, because LMDB trusts its file. @returns undefined when it did not get to the end */
function recordsServed(path: string): number | undefined {
  const script = fileURLToPath(new URL('./reader-process.js', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [script, path, '1'], { encoding: 'utf8', timeout: 10_000 });
  return stdout === '' ? undefined : (JSON.parse(stdout) as { txIds: number[] }).txIds.length;
}
