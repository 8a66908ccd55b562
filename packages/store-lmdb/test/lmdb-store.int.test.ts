import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AepError, SystemClock } from '@aep/kernel';
import { storeContract, type StoreHarness, storeMakerContract, type StoreMakerHarness } from '@aep/store/contract';
import type { Store, StoreInTheMaking, StoreMaker, StoreOrigin } from '@aep/store';
import { type CommitMode, type LmdbStore, LmdbStoreMaker, openLmdbStore } from '@aep/store-lmdb';

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

for (const verifyOnOpen of [false, true])
  storeMakerContract(
    verifyOnOpen ? 'lmdb, checked in a child process' : 'lmdb',
    async () => new LmdbMakerHarness(verifyOnOpen),
  );

class LmdbMakerHarness implements StoreMakerHarness {
  readonly clock = new SystemClock();
  private readonly path = mkdtempSync(join(tmpdir(), 'aep-store-'));
  maker: RememberingMaker;

  constructor(private readonly verifyOnOpen: boolean) {
    this.maker = this.newMaker();
  }

  /** The files of a process that ended are as those of one that closed them without having completed anything. */
  async restart(): Promise<void> {
    await this.maker.closeAll();
    this.maker = this.newMaker();
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
    await this.maker.closeAll();
    rmSync(this.path, { recursive: true, force: true });
  }

  private newMaker(): RememberingMaker {
    const { path, clock, verifyOnOpen } = this;
    return new RememberingMaker(new LmdbStoreMaker({ path, engineName: 'contract', clock, verifyOnOpen }));
  }
}

/** Closes what it gave out. */
class RememberingMaker implements StoreMaker {
  private readonly stores: Store[] = [];

  constructor(private readonly maker: StoreMaker) {}

  open(done: Parameters<StoreMaker['open']>[0]): void {
    this.maker.open((error, store) => {
      if (store !== undefined) this.stores.push(store);
      done(error, store);
    });
  }

  create(origin: StoreOrigin, done: (error: AepError | undefined, making: StoreInTheMaking | undefined) => void): void {
    this.maker.create(origin, (error, making) => {
      if (making !== undefined) this.stores.push(making.store);
      done(error, making);
    });
  }

  copySnapshot(store: Store): ReturnType<StoreMaker['copySnapshot']> {
    return this.maker.copySnapshot(store);
  }

  destroy(done: (error: AepError | undefined) => void): void {
    this.maker.destroy(done);
  }

  async closeAll(): Promise<void> {
    for (const store of this.stores.splice(0)) await store.close();
  }
}
