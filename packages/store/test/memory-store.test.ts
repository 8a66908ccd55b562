import assert from 'node:assert/strict';
import { SeededRandom, VirtualClock } from '@aep/kernel';
import { MemoryFaults, MemoryStore, MemoryStoreMaker, type Store } from '@aep/store';
import { storeContract, type StoreHarness, storeMakerContract, type StoreMakerHarness } from '@aep/store/contract';

storeContract('memory', { kill: true, failingWrite: true, freeSpace: true }, async () => new MemoryHarness());

storeMakerContract('memory', async () => new MemoryMakerHarness());

class MemoryTime {
  readonly clock = new VirtualClock();

  async waitUntil(condition: () => boolean): Promise<void> {
    for (let step = 0; step < 10_000 && !condition(); step++) this.clock.advance(1);
    assert.ok(condition(), 'waited 10 s of virtual time in vain');
  }

  async complete<T>(promise: Promise<T>): Promise<T> {
    const progress = { isSettled: false };
    const end = (): boolean => (progress.isSettled = true);
    promise.then(end, end);
    // A promise needs turns of the real loop, its timers turns of the virtual clock.
    for (let step = 0; step < 10_000 && !progress.isSettled; step++) {
      this.clock.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(progress.isSettled, 'waited 10 s of virtual time in vain');
    return promise;
  }

  async dispose(): Promise<void> {}
}

class MemoryHarness extends MemoryTime implements StoreHarness {
  private readonly faults = new MemoryFaults();
  private store = new MemoryStore({ clock: this.clock, faults: this.faults });

  async open(): Promise<Store> {
    this.store = new MemoryStore({ clock: this.clock, faults: this.faults, disk: this.store.disk });
    return this.store;
  }

  async kill(): Promise<void> {
    this.store = this.store.crash();
  }

  fail(): void {
    this.faults.failsNextSync = true;
  }

  setFreeBytes(bytes: number): void {
    this.faults.freeBytes = bytes;
  }
}

class MemoryMakerHarness extends MemoryTime implements StoreMakerHarness {
  private readonly random = new SeededRandom(5);
  maker = new MemoryStoreMaker({ clock: this.clock, random: this.random });

  async restart(): Promise<void> {
    const { disk } = this.maker;
    this.maker.crash('lost');
    this.maker = new MemoryStoreMaker({ clock: this.clock, random: this.random, disk });
  }
}
