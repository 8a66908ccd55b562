import { assert, RingQueue } from '@aep/kernel';

/** What waits for one subscriber. */
export interface Queued {
  readonly channelName: string;
  /** BestEffort messages do not outlive the connection. */
  readonly isGuaranteed: boolean;
}

/**
 * The messages of one subscriber from arrival to acknowledgement:
 * ```
 *   offer ──channel joined──> ready ──take──> taken ──acknowledge──> gone
 *         ──not joined──> parked ──join──^       │
 *                           ^────────reset───────┘  (and all that is ready): in the order of arrival
 * ```
 * Bounded as a whole: at `sizeMax` nothing is taken and the sender is back-pressured. Arrival order is kept per channel always, and over
 * channels while they stay joined.
 */
export class SubscriberQueue<T extends Queued> {
  private readonly ready: RingQueue<T>;
  private readonly taken: RingQueue<T>;
  private readonly parked = new Map<string, T[]>();
  private readonly joined = new Set<string>();
  /** One of them: the one that was asked for last. */
  private lastJoined: string | undefined;
  private parkedCount = 0;

  constructor(readonly sizeMax: number) {
    this.ready = new RingQueue(sizeMax);
    this.taken = new RingQueue(sizeMax);
  }

  get size(): number {
    return this.ready.size + this.taken.size + this.parkedCount;
  }

  get isFull(): boolean {
    return this.size >= this.sizeMax;
  }

  get readyCount(): number {
    return this.ready.size;
  }

  /** Taken and not acknowledged. */
  get takenCount(): number {
    return this.taken.size;
  }

  isJoined(channelName: string): boolean {
    if (channelName === this.lastJoined) return true;
    if (!this.joined.has(channelName)) return false;
    this.lastJoined = channelName;
    return true;
  }

  /** False when full. */
  offer(item: T): boolean {
    if (this.isFull) return false;
    if (this.isJoined(item.channelName)) this.ready.offer(item);
    else this.park(item);
    return true;
  }

  /** The oldest ready item; it counts as taken until `acknowledge`, `untake` or `reset`. */
  take(): T | undefined {
    const item = this.ready.poll();
    if (item !== undefined) this.taken.offer(item);
    return item;
  }

  /** The last `take` was refused by its receiver. */
  untake(): void {
    const item = this.taken.pollLast();
    if (item !== undefined) this.ready.offerFirst(item);
  }

  /** The oldest item that was taken and not acknowledged. */
  acknowledge(): T | undefined {
    return this.taken.poll();
  }

  /** What waits for the channel becomes ready, behind what is ready already. */
  join(channelName: string): void {
    this.joined.add(channelName);
    const waiting = this.parked.get(channelName);
    if (waiting === undefined) return;
    this.parked.delete(channelName);
    this.parkedCount -= waiting.length;
    for (const item of waiting) this.ready.offer(item);
  }

  /**
   * The subscriber is gone: nothing is joined and everything waits for its return, what it had taken in front.
   * BestEffort items are not kept.
   *
   * @param onTaken called for each taken item; returns what to keep instead (a marked copy)
   * @param onDropped called for each BestEffort item
   */
  reset(onTaken: (item: T) => T, onDropped: (item: T) => void): void {
    const before = this.size;
    let dropped = 0;
    assert(
      [...this.parked.keys()].every((name) => !this.joined.has(name)),
      'nothing is parked for a joined channel',
    );
    this.joined.clear();
    this.lastJoined = undefined;
    for (let item = this.taken.poll(); item !== undefined; item = this.taken.poll()) {
      if (item.isGuaranteed) this.park(onTaken(item));
      else dropped += this.drop(item, onDropped);
    }
    for (let item = this.ready.poll(); item !== undefined; item = this.ready.poll()) {
      if (item.isGuaranteed) this.park(item);
      else dropped += this.drop(item, onDropped);
    }
    assert(this.size === before - dropped, 'a reset loses nothing but BestEffort messages');
  }

  /** Takes out what waits for a channel whose subscription is given up. */
  removeParked(channelName: string, onRemoved: (item: T) => void): void {
    const waiting = this.parked.get(channelName) ?? [];
    this.parked.delete(channelName);
    this.parkedCount -= waiting.length;
    for (const item of waiting) onRemoved(item);
  }

  /** Everything that has not been acknowledged. */
  forEach(visit: (item: T) => void): void {
    for (let index = 0; index < this.taken.size; index++) visit(this.taken.at(index)!);
    for (let index = 0; index < this.ready.size; index++) visit(this.ready.at(index)!);
    for (const waiting of this.parked.values()) waiting.forEach(visit);
  }

  private drop(item: T, onDropped: (item: T) => void): number {
    onDropped(item);
    return 1;
  }

  private park(item: T): void {
    const waiting = this.parked.get(item.channelName);
    if (waiting === undefined) this.parked.set(item.channelName, [item]);
    else waiting.push(item);
    this.parkedCount++;
  }
}
