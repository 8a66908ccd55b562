/** What one order holds: note and quantity. */
export type Content = readonly [note: string, quantity: number];

/** The state of an order book as plain values: savepoints and rollback are full copies. */
export class NaiveModel {
  orders = new Map<string, Content>();
  audit: Content[] = [];
  values: Content = ['', 0];

  copy(): NaiveModel {
    const copy = new NaiveModel();
    copy.orders = new Map(this.orders);
    copy.audit = [...this.audit];
    copy.values = this.values;
    return copy;
  }

  sortedKeys(): string[] {
    return [...this.orders.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  /** The key that a walk meets after `last`. */
  nextKey(last: string | undefined, reverse: boolean): string | undefined {
    const keys = reverse ? this.sortedKeys().reverse() : this.sortedKeys();
    if (last === undefined) return keys[0];
    return keys.find((key) => {
      const order = Buffer.compare(Buffer.from(key), Buffer.from(last));
      return reverse ? order < 0 : order > 0;
    });
  }
}
