import type { Store, StoreMaker } from '@aep/store';

/**
 * Counts the stores that are being closed: beside the start and stop of an engine this is where members use promises, and only
 * then a world must let promises settle between two events.
 */
export class ClosingCount {
  value = 0;

  /** The same maker, whose stores are counted while they close. */
  counted(maker: StoreMaker): StoreMaker {
    const open: StoreMaker['open'] = (done) =>
      maker.open((error, store) => done(error, store === undefined ? undefined : this.countedStore(store)));
    const create: StoreMaker['create'] = (origin, done) =>
      maker.create(origin, (error, making) =>
        done(
          error,
          making && (Object.create(making, { store: { value: this.countedStore(making.store) } }) as typeof making),
        ),
      );
    return Object.create(maker, { open: { value: open }, create: { value: create } }) as StoreMaker;
  }

  private countedStore(store: Store): Store {
    return Object.create(store, { close: { value: () => this.count(store.close()) } }) as Store;
  }

  private async count(closing: Promise<void>): Promise<void> {
    this.value++;
    try {
      await closing;
    } finally {
      this.value--;
    }
  }
}
