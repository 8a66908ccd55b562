import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '@aep/kernel';
import { storeContract, type StoreHarness } from '@aep/store/contract';
import { type CommitMode, type LmdbStore, openLmdbStore } from '@aep/store-lmdb';

for (const [durability, commitMode] of [
  ['disk', 'async'],
  ['disk', 'sync'],
  ['disk', 'auto'],
  ['os', 'auto'],
] as const) {
  storeContract(
    `lmdb, durability ${durability}, ${commitMode} commits`,
    { kill: false, failingWrite: false, freeSpace: true },
    async () => {
      return new LmdbHarness(durability, commitMode);
    },
  );
}

class LmdbHarness implements StoreHarness {
  readonly clock = new SystemClock();
  private readonly path = mkdtempSync(join(tmpdir(), 'aep-store-'));
  private store: LmdbStore | undefined;
  private freeBytes = 1e12;

  constructor(
    private readonly durability: 'disk' | 'os',
    private readonly commitMode: CommitMode,
  ) {}

  async open(): Promise<LmdbStore> {
    this.store = await openLmdbStore({
      path: this.path,
      engineName: 'contract',
      durability: this.durability,
      commitMode: this.commitMode,
      clock: this.clock,
      // The contract is about what is stored; the check in a child process has tests of its own.
      verifyOnOpen: false,
      freeSpace: { freeBytes: () => this.freeBytes },
      journal: { spaceRecheckMs: 5 },
    });
    return this.store;
  }

  setFreeBytes(bytes: number): void {
    this.freeBytes = bytes;
  }

  async waitUntil(condition: () => boolean): Promise<void> {
    for (let waitedMs = 0; !condition(); waitedMs++) {
      assert.ok(waitedMs < 10_000, 'waited 10 s in vain');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  complete<T>(promise: Promise<T>): Promise<T> {
    return promise;
  }

  async dispose(): Promise<void> {
    await this.store?.close();
    rmSync(this.path, { recursive: true, force: true });
  }
}
