import type { Store, StoreMaker } from '@aep/store';

/**
 * Counts the stores that are being closed: beside the start and stop of an engine this is where members use promises, and only
 * then a world must let promises settle between two events.
 */
export class ClosingCount {
  value = 0;

  /** From here on the stores of this maker are counted while they close. */
  count(maker: StoreMaker): void {
    const open = maker.open.bind(maker);
    const create = maker.create.bind(maker);
    maker.open = (done) =>
      open((error, store) => {
        if (store !== undefined) this.countStore(store);
        done(error, store);
      });
    maker.create = (origin, done) =>
      create(origin, (error, making) => {
        if (making !== undefined) this.countStore(making.store);
        done(error, making);
      });
  }

  private countStore(store: Store): void {
    const close = store.close.bind(store);
    store.close = () => this.untilEnd(close());
  }

  private async untilEnd(closing: Promise<void>): Promise<void> {
    this.value++;
    try {
      await closing;
    } finally {
      this.value--;
    }
  }
}
