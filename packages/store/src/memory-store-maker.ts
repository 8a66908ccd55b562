import { type AepError, SeededRandom } from '@aep/kernel';
import { NO_BASE } from './journal-position.js';
import { MemoryDisk } from './memory-disk.js';
import { MemoryFaults } from './memory-faults.js';
import { type CrashOutcome, MemoryStore, type MemoryStoreOptions, newIdentity } from './memory-store.js';
import { StoreFilling } from './store-filling.js';
import type { Store } from './store.js';
import type { CopySnapshot, StoreInTheMaking, StoreMaker, StoreOrigin } from './store-maker.js';

/**
 * Makes stores on one simulated disk, for tests and simulation. Opening and making take as long as a commit.
 *
 * @example
 * const maker = new MemoryStoreMaker({ clock, disk });
 * maker.crash();                          // the process dies; the next maker on the disk finds what was durable
 */
export class MemoryStoreMaker implements StoreMaker {
  readonly disk: MemoryDisk;
  readonly faults: MemoryFaults;
  private readonly options: MemoryStoreOptions;
  private current: MemoryStore | undefined;
  private isDead = false;

  constructor(options: MemoryStoreOptions) {
    this.disk = options.disk ?? new MemoryDisk();
    this.faults = options.faults ?? new MemoryFaults();
    this.options = { ...options, disk: this.disk, faults: this.faults, random: options.random ?? new SeededRandom(1) };
  }

  open(done: (error: AepError | undefined, store: Store | undefined) => void): void {
    this.later(() => {
      if (this.disk.identity === undefined || !this.disk.isComplete) return done(undefined, undefined);
      const damage = this.disk.damage();
      if (damage === undefined) done(undefined, this.openStore());
      else done(damage, undefined);
    });
  }

  create(origin: StoreOrigin, done: (error: AepError | undefined, making: StoreInTheMaking | undefined) => void): void {
    this.later(() => {
      this.disk.format(newIdentity(this.options, this.options.random!, origin.incarnation), origin.base ?? NO_BASE);
      const endMaking = (made: (error: AepError | undefined) => void): void =>
        this.later(() => {
          this.disk.isComplete = true;
          made(undefined);
        });
      done(undefined, new StoreFilling(this.openStore(), this.options.clock, endMaking));
    });
  }

  copySnapshot(store: Store): CopySnapshot {
    return (store as MemoryStore).tables.snapshot();
  }

  destroy(done: (error: AepError | undefined) => void): void {
    this.later(() => {
      this.disk.erase();
      done(undefined);
    });
  }

  /** The process dies here: nothing that this maker gave out calls back any more. */
  crash(outcome?: CrashOutcome): void {
    this.isDead = true;
    this.current?.crash(outcome);
  }

  private openStore(): MemoryStore {
    this.current = new MemoryStore(this.options);
    return this.current;
  }

  private later(action: () => void): void {
    this.options.clock.schedule(this.faults.commitMs(), () => {
      if (!this.isDead) action();
    });
  }
}
