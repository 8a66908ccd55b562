/**
 * A bounded free list. An object that never comes back is a miss (a new one is made), not a leak; at `idleMax` a
 * returned object is left to the garbage collector. `misses` and `outstanding` tell which types do not come back.
 */
export class ObjectPool<T> {
  /** Objects made because the pool was empty. */
  misses = 0;
  /** Objects taken and not yet returned. */
  outstanding = 0;
  private readonly idle: T[] = [];

  constructor(
    private readonly make: () => T,
    readonly idleMax: number = 1024,
  ) {}

  get idleCount(): number {
    return this.idle.length;
  }

  take(): T {
    this.outstanding++;
    const item = this.idle.pop();
    if (item !== undefined) return item;
    this.misses++;
    return this.make();
  }

  /** The caller gives the object up and has reset it. */
  give(item: T): void {
    this.outstanding--;
    if (this.idle.length < this.idleMax) this.idle.push(item);
  }
}
