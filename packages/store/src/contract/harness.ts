import type { AepError, Clock } from '@aep/kernel';
import type { Store } from '../store.js';
import type { Stable } from '../stable.js';

/** What a store can be made to do for the contract; cases that need more are left out, by this manifest only. */
export interface StoreCapabilities {
  /** `harness.kill` can stop it without a close. */
  readonly kill: boolean;
  /** `harness.fail` can make the next write fail. */
  readonly failingWrite: boolean;
  /** `harness.setFreeBytes` changes how much room the medium has. */
  readonly freeSpace: boolean;
}

/** How the contract handles one kind of store. Made anew for each test. */
export interface StoreHarness {
  readonly clock: Clock;
  /** Opens the one store of this harness; again after a close or kill. */
  open(): Promise<Store>;
  /** Stops it as `kill -9` would: what was stable is there at the next open. */
  kill?(store: Store): Promise<void>;
  /** The next write to the journal fails. */
  fail?(store: Store): void;
  setFreeBytes?(bytes: number): void;
  /** Lets time go by until the condition holds; throws after a generous time. */
  waitUntil(condition: () => boolean): Promise<void>;
  /** Lets time go by until the promise has settled. */
  complete<T>(promise: Promise<T>): Promise<T>;
  /** Removes what it has made. */
  dispose(): Promise<void>;
}

/** A listener that remembers. */
export class Marks {
  readonly stable: number[] = [];
  readonly failures: AepError[] = [];

  static of(store: Store): Marks {
    const marks = new Marks();
    store.journal.listen(marks);
    return marks;
  }

  onStable(mark: Stable): void {
    this.stable.push(mark.txId);
  }

  onFailure(error: AepError): void {
    this.failures.push(error);
  }
}
