/** Records of consecutive txIds that lie one after another in `bytes[start, end)`; written as one value (S6). */
export interface PackedRun {
  readonly firstTxId: number;
  readonly lastTxId: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * Collects records until a commit takes them. Each record is written or copied into a slab that many runs share; a slab is
 * never reused: the outbox sends from its bytes and the storage reads them on another thread (S9), so it lives as long
 * as somebody refers to it.
 */
export class OpenRuns {
  byteCount = 0;
  private closed: PackedRun[] = [];
  private slab: Uint8Array = NO_BYTES;
  private start = 0;
  private end = 0;
  private firstTxId = 0;
  private lastTxId = 0;

  /**
   * @param runBytesMax bytes of a slab, and so of a run, unless a single record is larger
   * @param recordsMax records that one `take` returns
   */
  constructor(
    private readonly runBytesMax: number,
    private readonly recordsMax: number,
  ) {}

  get isEmpty(): boolean {
    return this.byteCount === 0;
  }

  /** @param place where the record lies; afterwards, where it stays */
  add(txId: number, length: number, place: { bytes: Uint8Array; start: number }): void {
    if (this.end + length > this.slab.length) {
      this.closeRun();
      this.newSlab(length);
    } else if (txId - this.firstTxId >= this.recordsMax) this.closeRun();
    if (this.end === this.start) this.firstTxId = txId;
    this.lastTxId = txId;
    // A record that was written here already stays.
    if (place.bytes !== this.slab || place.start !== this.end) {
      this.slab.set(place.bytes.subarray(place.start, place.start + length), this.end);
      place.bytes = this.slab;
      place.start = this.end;
    }
    this.end += length;
    this.byteCount += length;
  }

  /** The oldest runs, at most `recordsMax` records (one run at least). */
  take(): PackedRun[] {
    this.closeRun();
    const all = this.closed;
    let count = 1;
    while (count < all.length && all[count]!.lastTxId - all[0]!.firstTxId < this.recordsMax) count++;
    const taken = count === all.length ? all : all.slice(0, count);
    this.closed = count === all.length ? [] : all.slice(count);
    for (const run of taken) this.byteCount -= run.end - run.start;
    return taken;
  }

  /** Forgets all that waits. */
  clear(): void {
    this.closeRun();
    this.closed = [];
    this.byteCount = 0;
  }

  private closeRun(): void {
    if (this.end === this.start) return;
    const { slab, start, end, firstTxId, lastTxId } = this;
    this.closed.push({ firstTxId, lastTxId, bytes: slab, start, end });
    this.start = end;
  }

  private newSlab(least: number): void {
    // Not zeroed: only bytes that have been written are ever read. Not from Node's pool, which would share it with strangers.
    // As a plain Uint8Array, because a Buffer's subarray costs several times as much.
    const { buffer, byteOffset, length } = Buffer.allocUnsafeSlow(Math.max(this.runBytesMax, least));
    this.slab = new Uint8Array(buffer, byteOffset, length);
    this.start = 0;
    this.end = 0;
  }
}

const NO_BYTES = new Uint8Array(0);
