import { AepError, type Clock, type TimerHandle } from '@aep/kernel';

/** Something that holds an LMDB read transaction. */
export interface HeldReader {
  readonly openedMs: number;
  /** Lets go; later reads answer with {@link readerExpired}. */
  expire(): void;
}

/** Closes readers that stay open too long: an open read transaction lets a trimmed journal grow without bound (S9). */
export class ReaderDeadlines {
  expired = 0;
  private readonly held = new Set<HeldReader>();
  private timer: TimerHandle | undefined;

  constructor(
    private readonly clock: Clock,
    readonly deadlineMs: number,
  ) {}

  get openCount(): number {
    return this.held.size;
  }

  nowMs(): number {
    return this.clock.monotonicMs();
  }

  add(reader: HeldReader): void {
    this.held.add(reader);
    this.timer ??= this.clock.schedule(this.deadlineMs, () => this.sweep());
  }

  remove(reader: HeldReader): void {
    this.held.delete(reader);
  }

  closeAll(): void {
    if (this.timer !== undefined) this.clock.cancel(this.timer);
    for (const reader of this.held) reader.expire();
    this.held.clear();
  }

  private sweep(): void {
    this.timer = undefined;
    const nowMs = this.clock.monotonicMs();
    let oldestMs = Infinity;
    for (const reader of this.held) {
      if (nowMs - reader.openedMs < this.deadlineMs) {
        oldestMs = Math.min(oldestMs, reader.openedMs);
        continue;
      }
      this.held.delete(reader);
      this.expired++;
      reader.expire();
    }
    if (this.held.size > 0) this.timer = this.clock.schedule(oldestMs + this.deadlineMs - nowMs, () => this.sweep());
  }
}

export function readerExpired(deadlineMs: number): AepError {
  return new AepError(
    'AEP_READER_EXPIRED',
    'retry',
    `the snapshot or scan was open for more than ${deadlineMs} ms and has been closed, because it keeps the store from reusing space: open a new one and read in smaller steps`,
    { deadlineMs },
  );
}
